import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base64ByteLength, decodeBase64, encodeBase64 } from "#wire/codec/base64.ts";

describe("base64", () => {
  test("writes what Node writes, for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(encodeBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
      }),
    );
  });

  test("reads back what it wrote, padded or not, and knows the size beforehand", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = encodeBase64(bytes);
        expect(decodeBase64(text)).toEqual(bytes);
        expect(decodeBase64(text.replace(/=+$/, ""))).toEqual(bytes);
        expect(base64ByteLength(text)).toBe(bytes.length);
      }),
    );
  });

  test.each(["A", "AB=", "AAA=A", "AA A", "AAA\n", "AA-_", "äAAA", "Āabc", "====", "A==="])(
    "refuses %j instead of guessing",
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
    },
  );
});
