import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { viewOf } from "#domain/image/byte-view.ts";
import { GrowingFile } from "#wire/body/growing-file.ts";

const chunks = fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 8 });

function grown(parts: readonly Uint8Array[]): { file: GrowingFile; bytes: Uint8Array } {
  const file = new GrowingFile();
  for (const part of parts) file.append(part);
  return { file, bytes: new Uint8Array(Buffer.concat(parts)) };
}

describe("a file that grows", () => {
  test("has the bytes that arrived, in their order, however they were cut", () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const { file, bytes } = grown(parts);
        expect(file.byteLength).toBe(bytes.length);
        expect(file.toBytes()).toEqual(bytes);
        expect(new Uint8Array(Buffer.concat([...file.pieces()]))).toEqual(bytes);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test("is looked at by offset like a file that lies together, across its pieces and outside of it", () => {
    const at = fc.integer({ min: -2, max: 40_000 });
    fc.assert(
      fc.property(chunks, at, fc.boolean(), (parts, offset, isLittle) => {
        const { file, bytes } = grown(parts);
        const whole = viewOf(bytes);
        for (const read of ["getUint16", "getUint32", "getInt32", "getBigUint64"] as const)
          expect(attempt(() => file[read](offset, isLittle))).toBe(
            attempt(() => whole[read](offset, isLittle)),
          );
        expect(attempt(() => file.getUint8(offset))).toBe(attempt(() => whole.getUint8(offset)));
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  test("lets go of each piece as soon as the next is asked for", () => {
    const { file } = grown([new Uint8Array(1_000_000).fill(7)]);
    const seen: Uint8Array[] = [];
    for (const piece of file.drain()) {
      expect(seen.every(({ byteLength }) => byteLength === 0)).toBe(true);
      expect(piece.every((byte) => byte === 7)).toBe(true);
      seen.push(piece);
    }
    expect(seen.length).toBeGreaterThan(3);
    expect(file.byteLength).toBe(0);
  });

  test("does not keep memory that is used again by who gave the bytes", () => {
    const window = new Uint8Array(100).fill(1);
    const file = GrowingFile.of(window);
    window.fill(2);
    expect(file.getUint8(99)).toBe(1);
  });
});

function attempt<Value>(read: () => Value): Value | "outside" {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RangeError) return "outside";
    throw cause;
  }
}
