import { SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { sha256Hex } from "#wire/codec/digest.ts";
import {
  HOP_VERSION,
  isTicketFor,
  type NewTicket,
  openTicket,
  signTicket,
} from "#wire/function/ticket.ts";
import {
  generateTicketKeys,
  signingKeyText,
  type TicketSigningKey,
  type TicketVerificationKey,
  verificationKeysText,
} from "#wire/function/ticket-keys.ts";

const now = Date.UTC(2026, 0, 1);
const body = new TextEncoder().encode('{"messages":[]}');
let keys: { signing: TicketSigningKey; verification: TicketVerificationKey };
let ticket: NewTicket;

beforeAll(async () => {
  keys = await generateTicketKeys("k1");
  ticket = {
    ticketId: "tkt_1",
    jobId: "ans_1",
    accountId: "acc_1",
    model: "demo",
    bodySha256: await sha256Hex(body),
  };
});

async function reasonAt(jwt: string, at = now, trusted = [keys.verification]) {
  const result = await openTicket(jwt, trusted, at);
  return result.ok ? "accepted" : result.refusal.reason;
}

describe("a ticket", () => {
  test("is accepted and says what was ordered", async () => {
    const jwt = await signTicket(ticket, keys.signing, now);
    expect(await openTicket(jwt, [keys.verification], now)).toEqual({
      ok: true,
      value: { ...ticket, version: HOP_VERSION },
    });
  });

  test("says whose the question is within its account, where it is not its keys'", async () => {
    const owned = { ...ticket, owner: "sub:ada" };
    const jwt = await signTicket(owned, keys.signing, now);
    expect(await openTicket(jwt, [keys.verification], now)).toEqual({
      ok: true,
      value: { ...owned, version: HOP_VERSION },
    });
  });

  test("pays for the body it was signed for and for no other", async () => {
    expect(await isTicketFor(ticket, body)).toBe(true);
    expect(await isTicketFor(ticket, new TextEncoder().encode("{}"))).toBe(false);
  });

  test("lives for a minute, give or take the clocks", async () => {
    const jwt = await signTicket(ticket, keys.signing, now);
    expect(await reasonAt(jwt, now + 59_000)).toBe("accepted");
    expect(await reasonAt(jwt, now - 4_000)).toBe("accepted");
    expect(await reasonAt(jwt, now + 66_000)).toBe("ERR_JWT_EXPIRED");
    expect(await reasonAt(jwt, now - 60_000)).not.toBe("accepted");
  });

  test("is refused when it grants itself a longer life", async () => {
    const second = now / 1000;
    const jwt = await new SignJWT({
      account: "acc_1",
      model: "demo",
      body_sha256: ticket.bodySha256,
    })
      .setProtectedHeader({ alg: "EdDSA", kid: "k1" })
      .setIssuer("unmask-edge")
      .setAudience("unmask-function")
      .setSubject("ans_1")
      .setJti("tkt_1")
      .setIssuedAt(second)
      .setExpirationTime(second + 3600)
      .sign({ ...keys.signing });
    expect(await reasonAt(jwt)).toBe("lives too long");
  });

  test("is refused when a foreign key of the same name signed it", async () => {
    const foreign = await generateTicketKeys("k1");
    const jwt = await signTicket(ticket, foreign.signing, now);
    expect(await reasonAt(jwt)).toBe("ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
  });

  test("is accepted under the old and the new key while keys rotate, and under none after", async () => {
    const next = await generateTicketKeys("k2");
    const jwt = await signTicket(ticket, keys.signing, now);
    expect(await reasonAt(jwt, now, [next.verification, keys.verification])).toBe("accepted");
    expect(await reasonAt(jwt, now, [next.verification])).toBe("ERR_JWKS_NO_MATCHING_KEY");
  });

  test.each(["", "a.b.c", "x".repeat(5000), "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.e30."])(
    "is refused as %j without an exception",
    async (jwt) => {
      expect(await reasonAt(jwt)).not.toBe("accepted");
    },
  );
});

describe("ticket keys in settings", () => {
  test("are read from JSON text, and the private half stays out of the public one", () => {
    expect(signingKeyText.parse(JSON.stringify(keys.signing))).toEqual(keys.signing);
    expect(verificationKeysText.parse(JSON.stringify([keys.signing]))).toEqual([keys.verification]);
  });

  test("are refused without quoting the key", () => {
    const secret = JSON.stringify(keys.signing).slice(0, -1);
    const parsed = signingKeyText.safeParse(secret);
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).not.toContain(keys.signing.d.slice(0, 8));
  });
});
