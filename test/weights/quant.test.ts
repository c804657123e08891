import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { q4Blocks } from "#domain/bundle.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { packQ4, unpackQ4 } from "#weights/q4.ts";
import {
  blocksPerRow,
  INT8_LIMITS,
  packInt8,
  packInt8Rows,
  packQ8,
  packQ8u,
  packR8,
  transposeRows,
  unpackInt8,
  unpackQ8,
  unpackQ8u,
  unpackR8,
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

/** Squared error of one block with the plain scale, by the definition of q4: as small a step as sixteen levels allow. */
function plainError(values: readonly number[]): number {
  const highest = Math.max(0, ...values);
  const lowest = Math.max(0, ...values.map((value) => -value));
  const step = Math.max(Math.max(highest, lowest) / 8, Math.min(highest, lowest) / 7.5);
  const scale = Math.f16round(highest > lowest ? -step : step);
  if (scale === 0) return values.reduce((sum, value) => sum + value * value, 0);
  return values.reduce((sum, value) => {
    const level = Math.min(7, Math.max(-8, Math.round(value / scale)));
    return sum + (level * scale - value) ** 2;
  }, 0);
}

test("r8 is within half a step of its row's own scale, and keeps zeros and ones as they are", () => {
  fc.assert(
    fc.property(matrices, ({ values, columns }) => {
      const packed = packR8(values, columns);
      const back = unpackR8(packed, columns);
      for (const [index, value] of values.entries()) {
        const step = packed.scales[Math.floor(index / columns)] ?? 0;
        expect(Math.abs((back[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(step * 0.501);
      }
    }),
    { numRuns: 50, seed: 13 },
  );
  const mapping = Float32Array.of(0, 1, 0, 0, 0, 0);
  expect(unpackR8(packR8(mapping, 3), 3)).toEqual(mapping);
});

describe("block quantisation", () => {
  test.each(q4Blocks)("q4 loses of no block of %i more than the plain scale does", (block) => {
    fc.assert(
      fc.property(matrices, ({ values, columns }) => {
        const back = unpackQ4(packQ4(values, columns, block), columns, block);
        for (let row = 0; row < values.length / columns; row++) {
          for (let first = 0; first < columns; first += block) {
            const start = row * columns + first;
            const source = [
              ...values.slice(start, row * columns + Math.min(first + block, columns)),
            ];
            const error = source.reduce(
              (sum, value, index) => sum + (back[start + index]! - value) ** 2,
              0,
            );
            expect(error).toBeLessThanOrEqual(plainError(source) * (1 + 1e-6) + 1e-12);
          }
        }
      }),
    );
  });

  test("of normally distributed weights q4 loses 5 % less than with plain scales, and less in smaller blocks", () => {
    const stream = mulberry32(3);
    const normal = (): number =>
      Math.sqrt(-2 * Math.log(1 - stream.next())) * Math.cos(2 * Math.PI * stream.next());
    const values = Float32Array.from({ length: 32 * 1024 }, normal);
    const errorOf = (block: number): number => {
      const back = unpackQ4(packQ4(values, 1024, block), 1024, block);
      const squares = values.map((value, index) => (back[index]! - value) ** 2);
      return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / values.length);
    };
    let plain = 0;
    for (let start = 0; start < values.length; start += 32) {
      plain += plainError([...values.slice(start, start + 32)]);
    }
    expect(errorOf(32)).toBeLessThan(0.95 * Math.sqrt(plain / values.length));
    expect(errorOf(32)).toBeLessThan(errorOf(64));
    expect(errorOf(64)).toBeLessThan(errorOf(128));
  });

  test("q8u is q8 with every byte 128 higher, padding too, and gives the same values back", () => {
    fc.assert(
      fc.property(matrices, ({ values, columns }) => {
        const signed = packQ8(values, columns);
        const packed = packQ8u(values, columns);
        expect([...packed.data]).toEqual([...signed.data].map((level) => level + 128));
        expect(packed.scales).toEqual(signed.scales);
        expect(unpackQ8u(packed, columns)).toEqual(unpackQ8(signed, columns));
      }),
      { numRuns: 50 },
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

  test.each(["w8", "w7"] as const)(
    "%s gives every value back within half a step of its row, by levels within its limit",
    (encoding) => {
      const limit = INT8_LIMITS[encoding];
      fc.assert(
        fc.property(matrices, ({ values, columns }) => {
          const packed = packInt8(values, columns, limit);
          const back = unpackInt8(packed, columns);
          expect(packed.data.every((level) => Math.abs(level) <= limit)).toBe(true);
          for (const [index, value] of values.entries()) {
            const step = packed.scales[Math.floor(index / columns)]!;
            expect(Math.abs(back[index]! - value)).toBeLessThanOrEqual(0.5001 * step);
          }
        }),
      );
    },
  );

  test("two products of w7 with unsigned bytes stay below 2¹⁵, two of w8 do not", () => {
    expect(2 * 255 * INT8_LIMITS.w7).toBeLessThan(2 ** 15);
    expect(2 * 255 * INT8_LIMITS.w8).toBeGreaterThan(2 ** 15);
  });

  test("values that sixteen levels hold exactly come back exactly, whatever their sign", () => {
    for (const sign of [1, -1]) {
      const values = new Float32Array(32).map((_, index) => (sign * ((index % 16) - 8)) / 8);
      expect(unpackQ4(packQ4(values, 32, 32), 32, 32)).toEqual(values);
    }
  });

  test("two weights share a byte, the even one in the low nibble, and padding is the zero level", () => {
    const { data, scales } = packQ4(new Float32Array([-8, 7, 1]), 3, 32);
    expect([...scales]).toEqual([1]);
    expect(data[0]).toBe(0xf0); // −8 → 0 low, 7 → 15 high
    expect(data[1]).toBe(0x89); // 1 → 9 low, padding 8 high
    expect([...data.slice(2)]).toEqual(new Array(14).fill(0x88));
  });

  test("a block of zeros stays zero", () => {
    const zeros = new Float32Array(64);
    expect(unpackQ4(packQ4(zeros, 64, 64), 64, 64)).toEqual(zeros);
    expect(unpackQ8(packQ8(zeros, 64), 64)).toEqual(zeros);
    expect(unpackInt8(packInt8(zeros, 64, 127), 64)).toEqual(zeros);
  });

  test("w8 lies transposed, and rows that arrive in pieces give the same bytes", () => {
    const values = new Float32Array([1, 2, 3, 4, 5, 6]); // [3, 2]
    const whole = packInt8(values, 2, 127);
    expect([...whole.data]).toEqual([64, 95, 106, 127, 127, 127]);
    const pieces = { data: new Int8Array(6), scales: new Float32Array(3) };
    packInt8Rows(values.slice(0, 2), 2, 0, 127, pieces);
    packInt8Rows(values.slice(2), 2, 1, 127, pieces);
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
