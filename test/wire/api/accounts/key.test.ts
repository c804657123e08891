import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatKey, generateKey, hashSecret, parseKey } from "#wire/api/accounts/key.ts";
import { encodeBase62 } from "#wire/codec/base62.ts";

describe("an API key", () => {
  test("is read back as it was made", () => {
    const key = generateKey("live", randomBytes);
    expect(parseKey(formatKey(key))).toEqual({ ok: true, value: key });
  });

  test("has a shape that scanners can look for", () => {
    expect(formatKey(generateKey("test", randomBytes))).toMatch(
      /^umk_test_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/,
    );
  });

  test("ends in the CRC-32 that everyone computes", () => {
    const zeros = generateKey("live", (count) => new Uint8Array(count));
    const body = `umk_live_${"0".repeat(16)}_${"0".repeat(43)}`;
    // CRC-32 of the body by Python's zlib.crc32.
    const sum = 0xb7a07913;
    expect(formatKey(zeros)).toBe(
      `${body}_${encodeBase62(Uint8Array.of(sum >>> 24, sum >>> 16, sum >>> 8, sum), 6)}`,
    );
  });

  test("with any one character changed is recognised offline as mistyped or malformed", () => {
    const text = formatKey(generateKey("live", randomBytes));
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(..."0aZ_-"), (index, character) => {
        fc.pre(text[index] !== character);
        const changed = text.slice(0, index) + character + text.slice(index + 1);
        expect(parseKey(changed).ok).toBe(false);
      }),
    );
  });

  test.each(["", "umk_live_", "Bearer umk_live_x", `umk_live_${"0".repeat(9999)}`])(
    "is malformed as %j",
    (text) => {
      expect(parseKey(text)).toEqual({ ok: false, refusal: "malformed" });
    },
  );

  test("is stored as the SHA-256 of its secret alone", async () => {
    const key = { environment: "live", id: "0".repeat(16), secret: "abc" } as const;
    // Source: FIPS 180-2 appendix B.1, the digest of "abc".
    expect(await hashSecret(key)).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });
});

describe("base 62", () => {
  test("keeps numbers apart and in order at one length", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(1000), (number, more) => {
        const larger = number + BigInt(more) + 1n;
        expect(encodeBase62(bytesOf(number), 12) < encodeBase62(bytesOf(larger), 12)).toBe(true);
      }),
    );
  });

  test("refuses a number that needs more digits", () => {
    expect(() => encodeBase62(Uint8Array.of(255), 1)).toThrow(RangeError);
  });
});

function bytesOf(number: bigint): Uint8Array {
  return Uint8Array.from({ length: 9 }, (_, index) =>
    Number((number >> BigInt(8 * (8 - index))) & 255n),
  );
}
