import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readByteRange } from "#wire/codec/byte-range.ts";

describe("a Range header", () => {
  test.each([
    ["bytes=0-99", { offset: 0, bytes: 100 }],
    ["bytes=900-", { offset: 900, bytes: 100 }],
    ["bytes=900-5000", { offset: 900, bytes: 100 }],
    ["bytes=-10", { offset: 990, bytes: 10 }],
    ["bytes=-5000", { offset: 0, bytes: 1000 }],
    ["bytes=999-999", { offset: 999, bytes: 1 }],
    ["bytes=1000-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
  ])("%s of 1000 bytes is %o", (header, part) => {
    expect(readByteRange(header, 1000)).toEqual(part);
  });

  test.each([undefined, "", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"])(
    "%s stands for the whole",
    (header) => {
      expect(readByteRange(header, 1000)).toBeUndefined();
    },
  );

  test("never names a byte that is not there", () => {
    const number = fc.option(fc.nat(300), { nil: undefined });
    fc.assert(
      fc.property(number, number, fc.integer({ min: 1, max: 200 }), (first, last, size) => {
        const part = readByteRange(`bytes=${first ?? ""}-${last ?? ""}`, size);
        if (part === undefined || part === "unsatisfiable") return;
        expect(part.bytes).toBeGreaterThan(0);
        expect(part.offset + part.bytes).toBeLessThanOrEqual(size);
      }),
      { seed: 14, numRuns: 300 },
    );
  });
});
