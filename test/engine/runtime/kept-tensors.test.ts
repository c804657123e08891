import { describe, expect, test } from "vitest";
import { KeptTensors } from "#engine/runtime/kept-tensors.ts";

/** [1, 2, 3, 2]: two groups of three positions. */
const output = { shape: [1, 2, 3, 2], data: Float32Array.from({ length: 12 }, (_, n) => n) };

describe("KeptTensors", () => {
  test("keeps the first positions of every group", () => {
    const kept = new KeptTensors();
    kept.put({ shelf: 1, name: "keys0", positions: 2 }, output);
    const { shape, data } = kept.take({ shelf: 1, name: "keys0" });
    expect(shape).toEqual([1, 2, 2, 2]);
    expect([...data]).toEqual([0, 1, 2, 3, 6, 7, 8, 9]);
  });

  test("keeps anew in the same memory where as much is kept", () => {
    const kept = new KeptTensors();
    const order = { shelf: 1, name: "keys0", positions: 2 };
    kept.put(order, output);
    const { data } = kept.take(order);
    kept.put(order, { ...output, data: output.data.map((value) => -value) });
    expect(kept.take(order).data).toBe(data);
    expect(data[7]).toBe(-9);
    kept.put({ ...order, positions: 1 }, output);
    expect(kept.take(order).shape).toEqual([1, 2, 1, 2]);
  });

  test("no positions are kept as none", () => {
    const kept = new KeptTensors();
    kept.put({ shelf: 1, name: "keys0", positions: 0 }, output);
    expect(kept.take({ shelf: 1, name: "keys0" }).shape).toEqual([1, 2, 0, 2]);
  });

  test("a shelf is cleared alone and as a whole", () => {
    const kept = new KeptTensors();
    for (const shelf of [1, 2])
      for (const name of ["keys0", "values0"]) kept.put({ shelf, name, positions: 1 }, output);
    kept.clear(1);
    for (const name of ["keys0", "values0"])
      expect(() => kept.take({ shelf: 1, name })).toThrow(`nothing is kept as ${name} on shelf 1`);
    expect(kept.take({ shelf: 2, name: "keys0" }).data).toHaveLength(4);
  });
});
