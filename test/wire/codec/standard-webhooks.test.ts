import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  generateKeyPair,
  generateSecret,
  HEADER_SIGNATURE,
  signMessage,
  verifyMessage,
} from "#wire/codec/standard-webhooks.ts";

const now = Date.UTC(2026, 0, 2);
const message = { id: "evt_1", timestamp: now / 1000, body: '{"type":"answer.completed"}' };
const secret = generateSecret(randomBytes);

async function signed(keys: readonly string[]): Promise<Headers> {
  return new Headers(await signMessage(message, keys));
}

/** Headers of a message that the reference implementation signed just now. */
function signedByReference(id: string, at: number, body: string) {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(at),
    "webhook-signature": new Webhook(secret).sign(id, new Date(at * 1000), body),
  };
}

function isTakenByReference(headers: Record<string, string>, body: string): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** Ways to write a time or a signature otherwise, so that a lenient reader takes it for the same. */
const respellings: readonly (readonly [name: string, (text: string) => string])[] = [
  ["webhook-timestamp", (text) => `0x${Number(text).toString(16)}`],
  ["webhook-timestamp", (text) => `0b${Number(text).toString(2)}`],
  ["webhook-timestamp", (text) => Number(text).toExponential()],
  ["webhook-timestamp", (text) => `${text}.0`],
  ["webhook-timestamp", (text) => `+${text}`],
  ["webhook-timestamp", (text) => `0${text}`],
  ["webhook-timestamp", (text) => `${text} seconds`],
  ["webhook-timestamp", (text) => String(Number(text) - 301)],
  ["webhook-timestamp", () => ""],
  ["webhook-timestamp", () => "NaN"],
  ["webhook-id", () => ""],
  ["webhook-id", (text) => `${text}.`],
  ["webhook-signature", (text) => text.replace(/=$/, "")],
  ["webhook-signature", (text) => text.replace(/=$/, "==")],
  // A SHA-256 leaves two spare bits in the last digit before the padding.
  ["webhook-signature", (text) => text.replace(/(.)=$/, (_, digit) => `${neighbour(digit)}=`)],
  ["webhook-signature", (text) => text.replaceAll("+", "-").replaceAll("/", "_")],
  ["webhook-signature", (text) => text.replace("v1,", "v2,")],
  ["webhook-signature", (text) => text.replace("v1,", "v1,,")],
  ["webhook-signature", (text) => text.replace("v1,", "")],
  ["webhook-signature", (text) => `v1,AAAA ${text}`],
  ["webhook-signature", (text) => `${text},more`],
  ["webhook-signature", () => "v1"],
];

function neighbour(digit: string): string {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return digits[digits.indexOf(digit) + 1] ?? "A";
}

describe("a signature of Standard Webhooks", () => {
  test("is the one of the standard's own example", async () => {
    // Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature scheme".
    const headers = await signMessage(
      { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body: '{"test": 2432232314}' },
      ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    );
    expect(headers[HEADER_SIGNATURE]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  test("of ours is verified by the standard's own package, and the other way round", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary" }),
        fc.integer({ min: 24, max: 64 }),
        async (text, size) => {
          const key = `whsec_${randomBytes(size).toString("base64")}`;
          const body = JSON.stringify({ text });
          const timestamp = Math.floor(Date.now() / 1000);
          const ours = await signMessage({ id: "evt_1", timestamp, body }, [key]);
          expect(new Webhook(key).verify(body, ours)).toEqual({ text });
          const theirs = new Webhook(key).sign("evt_1", new Date(timestamp * 1000), body);
          const headers = new Headers({
            ...{ "webhook-id": "evt_1", "webhook-timestamp": String(timestamp) },
            "webhook-signature": theirs,
          });
          expect(await verifyMessage(headers, body, [key], Date.now())).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  test.each([
    ["a time in hex", 0],
    ["a time in binary", 1],
    ["a time with a fraction", 3],
    ["a time with leading zeros", 5],
    ["a signature without its padding", 12],
    ["a signature with spare bits set", 14],
  ])(
    "is refused with %s, like every second spelling of the same number or bytes",
    async (_, which) => {
      const at = Math.floor(Date.now() / 1000);
      const headers: Record<string, string> = signedByReference("evt_1", at, "{}");
      expect(await verifyMessage(new Headers(headers), "{}", [secret], Date.now())).toBe(true);
      const [name, respell] = respellings[which]!;
      headers[name] = respell(headers[name]!);
      expect(await verifyMessage(new Headers(headers), "{}", [secret], Date.now())).toBe(false);
    },
  );

  test("that the standard's own package refuses is refused here too, however it is spelled", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary" }),
        fc.integer({ min: -320, max: 320 }),
        fc.option(fc.constantFrom(...respellings), { nil: undefined }),
        async (text, age, respelling) => {
          const body = JSON.stringify({ text });
          const at = Math.floor(Date.now() / 1000) - age;
          const headers: Record<string, string> = signedByReference("evt_1", at, body);
          if (respelling !== undefined) {
            const [name, respell] = respelling;
            headers[name] = respell(headers[name]!);
          }
          const isTaken = await verifyMessage(new Headers(headers), body, [secret], Date.now());
          const isTakenThere = isTakenByReference(headers, body);
          // A second may pass between the two at the very edge of the five minutes.
          if (Math.abs(Math.abs(age) - 300) > 1) expect(isTaken && !isTakenThere).toBe(false);
          if (respelling === undefined && Math.abs(age) < 299) expect(isTaken).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("needs a secret that is not empty, as the standard's own package does", async () => {
    expect(() => new Webhook("whsec_")).toThrow();
    await expect(signMessage(message, ["whsec_"])).rejects.toThrow(TypeError);
  });

  test("stands beside another while a secret is replaced, and either receiver takes it", async () => {
    const fresh = generateSecret(randomBytes);
    const headers = await signed([fresh, secret]);
    expect(headers.get(HEADER_SIGNATURE)?.split(" ")).toHaveLength(2);
    for (const key of [fresh, secret])
      expect(await verifyMessage(headers, message.body, [key], now)).toBe(true);
  });

  test("may be Ed25519's, whose public key verifies and cannot sign", async () => {
    const { signing, verifying } = await generateKeyPair();
    expect([signing.slice(0, 5), verifying.slice(0, 5)]).toEqual(["whsk_", "whpk_"]);
    const headers = await signed([signing]);
    expect(headers.get(HEADER_SIGNATURE)).toMatch(/^v1a,/);
    expect(await verifyMessage(headers, message.body, [verifying], now)).toBe(true);
    const other = await generateKeyPair();
    expect(await verifyMessage(headers, message.body, [other.verifying], now)).toBe(false);
  });

  test.each<[string, Record<string, string | null>]>([
    ["another id", { "webhook-id": "evt_2" }],
    ["a later time", { "webhook-timestamp": String(now / 1000 + 301) }],
    ["an earlier time", { "webhook-timestamp": String(now / 1000 - 301) }],
    ["no time", { "webhook-timestamp": null }],
    ["no signature", { "webhook-signature": null }],
    ["a signature that is no base64", { "webhook-signature": "v1,?" }],
  ])("is refused with %s", async (_, change) => {
    const headers = await signed([secret]);
    for (const [name, value] of Object.entries(change)) {
      if (value === null) headers.delete(name);
      else headers.set(name, value);
    }
    expect(await verifyMessage(headers, message.body, [secret], now)).toBe(false);
  });

  test("is refused with another body, and once it is older than five minutes", async () => {
    const headers = await signed([secret]);
    expect(await verifyMessage(headers, "{}", [secret], now)).toBe(false);
    expect(await verifyMessage(headers, message.body, [secret], now + 301_000)).toBe(false);
  });

  test("is refused by another secret", async () => {
    const other = generateSecret(randomBytes);
    expect(await verifyMessage(await signed([secret]), message.body, [other], now)).toBe(false);
  });
});
