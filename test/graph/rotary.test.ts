import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rotationTables } from "#graph/rotary.ts";
import { referenceArrays } from "../support/reference.ts";

describe("rotationTables", () => {
  test.each([128, 16, 4])("a head of %i turns by the reference's angles", (headSize) => {
    const reference = referenceArrays("pure/rope_theta500000.safetensors");
    const half = headSize / 2;
    for (const [row, position] of reference.get("positions").data.entries()) {
      const { cosines, sines } = rotationTables({ headSize, ropeTheta: 500_000 }, position, 1);
      const start = row * headSize;
      expectClose(cosines, reference.get(`cos_${headSize}`).data.subarray(start, start + half));
      expectClose(sines, reference.get(`sin_${headSize}`).data.subarray(start, start + half));
    }
  });

  test("a table that begins later is the end of one that begins at 0", () => {
    const tower = { headSize: 6, ropeTheta: 10_000 };
    fc.assert(
      fc.property(fc.nat(2000), fc.integer({ min: 1, max: 40 }), (first, length) => {
        const whole = rotationTables(tower, 0, first + length);
        const part = rotationTables(tower, first, length);
        expect(part.cosines).toEqual(whole.cosines.subarray(first * 3));
        expect(part.sines).toEqual(whole.sines.subarray(first * 3));
      }),
      { numRuns: 30 },
    );
  });
});

function expectClose(actual: Float32Array, expected: ArrayLike<number>): void {
  for (const [index, value] of actual.entries()) {
    expect(Math.abs(value - (expected[index] ?? Number.NaN))).toBeLessThan(1e-6);
  }
}
