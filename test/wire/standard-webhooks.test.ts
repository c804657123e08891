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
} from "#wire/standard-webhooks.ts";

const now = Date.UTC(2026, 0, 2);
const message = { id: "evt_1", timestamp: now / 1000, body: '{"type":"answer.completed"}' };
const secret = generateSecret(randomBytes);

async function signed(keys: readonly string[]): Promise<Headers> {
  return new Headers(await signMessage(message, keys));
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
