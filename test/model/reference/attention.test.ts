import { describe, expect, test } from "vitest";
import { attend, rotate, softmax } from "#model/reference/attention.ts";
import { referenceArrays } from "../../support/reference.ts";

describe("the reference attention", () => {
  test("softmax sums to one and survives large numbers", () => {
    expect(softmax([1000, 1000])).toEqual([0.5, 0.5]);
    expect(softmax([0, Math.log(3)])[1]).toBeCloseTo(0.75, 15);
    expect(softmax([0, Number.NEGATIVE_INFINITY])).toEqual([1, 0]);
  });

  test("rotated keys are the reference's, up to position 16383", () => {
    const rope = referenceArrays("pure/rope_theta500000.safetensors");
    const keys = { width: 16, data: Float64Array.from(rope.get("k").data) };
    const turned = rotate(keys, [...rope.get("positions").data], 16, 500_000);
    const expected = rope.get("k_rot").data;
    for (const [index, value] of turned.data.entries()) {
      expect(Math.abs(value - (expected[index] ?? 0))).toBeLessThan(1e-5);
    }
  });

  test("query heads in a row share a key head", () => {
    const ones = (width: number) => ({ width, data: new Float64Array(width).fill(1) });
    const values = { width: 2, data: Float64Array.of(5, 7) };
    // Four query heads of size 1 on two key heads: the first two read the first.
    expect(attend(ones(4), ones(2), values, 1).data).toEqual(Float64Array.of(5, 5, 7, 7));
  });

  test("a key that matches takes the weight", () => {
    const query = { width: 1, data: Float64Array.of(50) };
    const keys = { width: 1, data: Float64Array.of(0, 1, 0) };
    const values = { width: 1, data: Float64Array.of(1, 2, 3) };
    expect(attend(query, keys, values, 1).data[0]).toBeCloseTo(2, 12);
  });
});
