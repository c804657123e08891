import { describe, expect, test, vi } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { KeptPrefix, prefixBytesPerPosition } from "#engine/passes/kept-prefix.ts";

const filling = {
  length: 3,
  branches: 1,
  deepHidden: tensor([1, 3, 2], new Float32Array(6)),
};

describe("KeptPrefix", () => {
  test("is filled by a pass that ends, and empty after one that breaks off", async () => {
    const prefix = new KeptPrefix(1, () => undefined);
    expect(prefix.length).toBe(0);
    expect(await prefix.fill(async () => ({ filling, result: "predicted" }))).toBe("predicted");
    expect(prefix.filling(3, 1)).toBe(filling);
    const broken = prefix.fill(() => Promise.reject(new Error("gone")));
    await expect(broken).rejects.toThrow("gone");
    expect(() => prefix.filling(3, 1)).toThrow("the prefix keeps 0 positions of 0 sequences");
  });

  test("is cleared once, and stays empty, whoever releases it and whenever", async () => {
    const clear = vi.fn();
    const prefix = new KeptPrefix(1, clear);
    const pass = Promise.withResolvers<{ filling: typeof filling; result: string }>();
    const filled = prefix.fill(() => pass.promise);
    prefix.release();
    prefix.release();
    pass.resolve({ filling, result: "late" });
    expect(await filled).toBe("late");
    expect([prefix.length, clear.mock.calls.length]).toEqual([0, 1]);
    await expect(prefix.fill(() => pass.promise)).rejects.toThrow("the prefix has been released");
  });

  test("takes 1.05 GB for a thousand positions of the 8B checkpoint", () => {
    const bytes = prefixBytesPerPosition({
      ...{ hiddenSize: 4096, layers: 32, heads: 32, keyValueHeads: 32, headSize: 128 },
      ...{ intermediateSize: 12_288, vocabSize: 126_464, ropeTheta: 5e5, rmsNormEpsilon: 1e-5 },
    });
    expect(Math.round(bytes / 1000)).toBe(1065);
  });
});
