import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  blocksPerRow,
  packQ4,
  packQ8,
  packW8,
  packW8Rows,
  transposeRows,
  unpackQ4,
  unpackQ8,
  unpackW8,
  widenBf16,
} from "#weights/quant.ts";

/** Rows of any length, so that most end in a partly filled block. Values are large enough for f16 scales to be exact to 2⁻¹¹. */
const matrices = fc
  .record({ rows: fc.integer({ min: 1, max: 5 }), columns: fc.integer({ min: 1, max: 100 }) })
  .chain(({ rows, columns }) =>
    fc.record({
      columns: fc.constant(columns),
      values: fc
        .array(fc.double({ min: -4, max: 4, noNaN: true }), {
          minLength: rows * columns,
          maxLength: rows * columns,
        })
        .map(
          (values) => new Float32Array(values.map((value) => (Math.abs(value) < 1e-3 ? 0 : value))),
        ),
    }),
  );

/** Half a step, and what rounding the scale itself to f16 moves the outermost level: 8 × 2⁻¹¹ steps. */
const HALF_STEP = 0.5 + 8 / 2048;

describe("block quantisation", () => {
  test("q4 gives every value back within half a step of its block", () => {
    fc.assert(
      fc.property(matrices, ({ values, columns }) => {
        const packed = packQ4(values, columns);
        const back = unpackQ4(packed, columns);
        for (const [index, value] of values.entries()) {
          const row = Math.floor(index / columns);
          const block = Math.floor((index % columns) / 32);
          const step = Math.abs(packed.scales[row * blocksPerRow(columns) + block]!);
          expect(Math.abs(back[index]! - value)).toBeLessThanOrEqual(HALF_STEP * step + 1e-7);
        }
      }),
    );
  });

  test("q8 gives every value back within half a step of its block", () => {
    fc.assert(
      fc.property(matrices, ({ values, columns }) => {
        const packed = packQ8(values, columns);
        const back = unpackQ8(packed, columns);
        for (const [index, value] of values.entries()) {
          const row = Math.floor(index / columns);
          const block = Math.floor((index % columns) / 32);
          const step = packed.scales[row * blocksPerRow(columns) + block]!;
          // 127 levels feel the scale's rounding most: 127 × 2⁻¹¹ of a step.
          expect(Math.abs(back[index]! - value)).toBeLessThanOrEqual(
            (0.5 + 127 / 2048) * step + 1e-7,
          );
        }
      }),
    );
  });

  test("w8 gives every value back within half a step of its row", () => {
    fc.assert(
      fc.property(matrices, ({ values, columns }) => {
        const packed = packW8(values, columns);
        const back = unpackW8(packed, columns);
        for (const [index, value] of values.entries()) {
          const step = packed.scales[Math.floor(index / columns)]!;
          expect(Math.abs(back[index]! - value)).toBeLessThanOrEqual(0.5001 * step);
        }
      }),
    );
  });

  test("the value of largest magnitude comes back exactly, whatever its sign", () => {
    for (const extreme of [1, -1]) {
      const values = new Float32Array(32).map((_, index) => (index - 16) / 40);
      values[5] = extreme;
      expect(unpackQ4(packQ4(values, 32), 32)[5]).toBe(extreme);
    }
  });

  test("two weights share a byte, the even one in the low nibble, and padding is the zero level", () => {
    const { data, scales } = packQ4(new Float32Array([-8, 7, 1]), 3);
    expect([...scales]).toEqual([1]);
    expect(data[0]).toBe(0xf0); // −8 → 0 low, 7 → 15 high
    expect(data[1]).toBe(0x89); // 1 → 9 low, padding 8 high
    expect([...data.slice(2)]).toEqual(new Array(14).fill(0x88));
  });

  test("a block of zeros stays zero", () => {
    const zeros = new Float32Array(64);
    expect(unpackQ4(packQ4(zeros, 64), 64)).toEqual(zeros);
    expect(unpackQ8(packQ8(zeros, 64), 64)).toEqual(zeros);
    expect(unpackW8(packW8(zeros, 64), 64)).toEqual(zeros);
  });

  test("w8 lies transposed, and rows that arrive in pieces give the same bytes", () => {
    const values = new Float32Array([1, 2, 3, 4, 5, 6]); // [3, 2]
    const whole = packW8(values, 2);
    expect([...whole.data]).toEqual([64, 95, 106, 127, 127, 127]);
    const pieces = { data: new Int8Array(6), scales: new Float32Array(3) };
    packW8Rows(values.slice(0, 2), 2, 0, pieces);
    packW8Rows(values.slice(2), 2, 1, pieces);
    expect(pieces).toEqual(whole);
  });
});

describe("number formats", () => {
  test("bfloat16 is the upper half of a float32", () => {
    const widened = widenBf16(new Uint16Array([0x3f80, 0xc000, 0x0001, 0x7f80]));
    expect([...widened]).toEqual([1, -2, 2 ** -133, Number.POSITIVE_INFINITY]);
  });

  test("transposing rows in pieces is transposing the whole", () => {
    const into = new Float32Array(6);
    transposeRows(new Float32Array([1, 2]), 2, 0, 3, into);
    transposeRows(new Float32Array([3, 4, 5, 6]), 2, 1, 3, into);
    expect([...into]).toEqual([1, 3, 5, 2, 4, 6]);
  });
});
