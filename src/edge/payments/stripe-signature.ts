import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";

/** How old a signature may be, and how far clocks may differ. Source: Stripe's own libraries. */
const TOLERANCE_SECONDS = 300;

/** Threat: a header that costs a check for each of thousands of signatures. Two stand in it while a secret is replaced. */
const MAX_SIGNATURES = 8;

/**
 * Checks `Stripe-Signature: t=<seconds>,v1=<hex>,…`: HMAC-SHA256 over `<t>.<body>` with the endpoint's secret, in constant time.
 * Other schemes in it are passed over. `now` in milliseconds since 1970. Source: docs.stripe.com/webhooks/signature.
 */
export async function verifyStripe(
  header: string | null,
  body: string,
  secret: string,
  now: number,
): Promise<Result<void, Failure>> {
  const parts = (header ?? "").split(",").map((part) => part.split("=", 2));
  const time = parts.find(([name]) => name?.trim() === "t")?.[1] ?? "";
  const signatures = parts
    .filter(([name, value]) => name?.trim() === "v1" && /^[0-9a-f]{64}$/.test(value ?? ""))
    .slice(0, MAX_SIGNATURES);
  const key = await crypto.subtle.importKey(
    "raw",
    utf8(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["verify"],
  );
  const verdicts = await Promise.all(
    signatures.map(([, hex = ""]) =>
      crypto.subtle.verify("HMAC", key, bytesOf(hex), utf8(`${time}.${body}`)),
    ),
  );
  if (!verdicts.includes(true))
    return refuse({ kind: "payment_signature_invalid", fault: "wrong" });
  const isFresh =
    /^\d{1,12}$/.test(time) && Math.abs(Math.floor(now / 1000) - Number(time)) <= TOLERANCE_SECONDS;
  return isFresh ? ok(undefined) : refuse({ kind: "payment_signature_invalid", fault: "old" });
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

function bytesOf(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
