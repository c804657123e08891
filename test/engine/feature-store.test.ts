import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import { createFeatureStore } from "#engine/feature-store.ts";
import type { PictureFeatures } from "#model/vision/kept-features.ts";

const forever = new AbortController().signal;
const BYTES = 8; // of one vector of two numbers

function vectors(count: number, value = 1): PictureFeatures {
  const made = tensor([count, 2], new Float32Array(count * 2).fill(value));
  return { vectors: made, domainScore: value };
}

describe("what became of pictures", () => {
  test("is made once, and then found", async () => {
    const store = createFeatureStore(10 * BYTES);
    let makings = 0;
    const make = async (): Promise<PictureFeatures> => {
      makings += 1;
      return vectors(3);
    };
    expect(store.find("a")).toBeUndefined();
    const made = await store.make("a", make, forever);
    expect([await store.make("a", make, forever), store.find("a")]).toEqual([made, made]);
    expect(makings).toBe(1);
  });

  test("is forgotten by what its key begins with, and makes room", async () => {
    const store = createFeatureStore(3 * BYTES);
    for (const key of ["ada 1", "ada 2", "bob 1"])
      await store.make(key, async () => vectors(1), forever);
    store.forget("ada");
    const left = ["ada 1", "ada 2", "bob 1"].filter((key) => store.find(key) !== undefined);
    expect(left).toEqual(["bob 1"]);
    for (const key of ["eve 1", "eve 2"]) await store.make(key, async () => vectors(1), forever);
    expect(store.find("bob 1")).toBeDefined();
  });

  test("never takes more than its limit: the least recently used goes first, whatever is asked in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.record({ key: fc.integer({ min: 0, max: 6 }), makes: fc.boolean() }), {
          maxLength: 40,
        }),
        async (limit, asked) => {
          const store = createFeatureStore(limit * BYTES);
          const used: number[] = []; // the model: keys in the order of use
          for (const { key, makes } of asked) {
            const size = key + 1;
            const isKept = used.includes(key);
            if (makes) await store.make(String(key), async () => vectors(size, key), forever);
            else expect(store.find(String(key)) !== undefined).toBe(isKept);
            if (isKept) used.splice(used.indexOf(key), 1);
            if (!isKept && (!makes || size > limit)) continue;
            const total = (): number => used.reduce((sum, other) => sum + other + 1, size);
            while (total() > limit) used.shift();
            used.push(key);
          }
          for (let key = 0; key <= 6; key++) {
            const found = store.find(String(key));
            expect(found).toEqual(used.includes(key) ? vectors(key + 1, key) : undefined);
          }
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });

  test("keeps nothing where nothing may be kept", async () => {
    const store = createFeatureStore(0);
    await store.make("a", async () => vectors(1), forever);
    expect(store.find("a")).toBeUndefined();
  });

  test("is made once for all who ask for it at the same time", async () => {
    const store = createFeatureStore(10 * BYTES);
    const gate = Promise.withResolvers<PictureFeatures>();
    let makings = 0;
    const make = (): Promise<PictureFeatures> => {
      makings += 1;
      return gate.promise;
    };
    const asked = [1, 2, 3].map(() => store.make("a", make, forever));
    gate.resolve(vectors(2));
    const [first, ...others] = await Promise.all(asked);
    expect(others.every((other) => other === first)).toBe(true);
    expect(makings).toBe(1);
  });

  test("who leaves is let go at once and takes the making from nobody; the last one ends it", async () => {
    const store = createFeatureStore(10 * BYTES);
    const [one, other] = [new AbortController(), new AbortController()];
    let making: AbortSignal | undefined;
    const make = (signal: AbortSignal): Promise<PictureFeatures> => {
      making = signal;
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    };
    const [first, second] = [one, other].map(({ signal }) => store.make("a", make, signal));
    one.abort(new Error("one left"));
    await expect(first).rejects.toThrow("one left");
    expect(making?.aborted).toBe(false);
    other.abort(new Error("the other left"));
    await expect(second).rejects.toThrow("the other left");
    expect(making?.aborted).toBe(true);
    // Who comes after that begins anew.
    expect(await store.make("a", async () => vectors(1), forever)).toEqual(vectors(1));
  });

  test("a making that ends although it was given up takes no room beside the one that came after it", async () => {
    const store = createFeatureStore(3 * BYTES);
    const slow = Promise.withResolvers<PictureFeatures>();
    const leaving = new AbortController();
    const left = store.make("a", () => slow.promise, leaving.signal);
    leaving.abort(new Error("left"));
    await expect(left).rejects.toThrow("left");
    await store.make("a", async () => vectors(1), forever);
    slow.resolve(vectors(1));
    await slow.promise;
    for (const key of ["b", "c"]) await store.make(key, async () => vectors(1), forever);
    expect(["a", "b", "c"].filter((key) => store.find(key) === undefined)).toEqual([]);
  });

  test("a making that fails is told to those who wait, keeps nothing, and may be tried again", async () => {
    const store = createFeatureStore(10 * BYTES);
    const failing = (): Promise<PictureFeatures> => Promise.reject(new Error("no tower"));
    const asked = [1, 2].map(() => store.make("a", failing, forever));
    for (const result of await Promise.allSettled(asked)) expect(result.status).toBe("rejected");
    expect(store.find("a")).toBeUndefined();
    expect(await store.make("a", async () => vectors(1), forever)).toEqual(vectors(1));
  });
});
