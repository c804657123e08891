import { decodeBase64, encodeBase64 } from "./base64.ts";

/**
 * Signatures of Standard Webhooks 1.0: over `id.timestamp.body`, HMAC-SHA256 with a secret `whsec_…` (`v1`), or Ed25519 with
 * a key pair `whsk_…`/`whpk_…` (`v1a`). Several signatures stand in one header while a secret is being replaced.
 * Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md.
 */
export interface SignedMessage {
  /** The notice's id: the same however often it is sent. */
  readonly id: string;
  /** Seconds since 1970 of this sending. */
  readonly timestamp: number;
  readonly body: string;
}

/** What signs: a secret or a private key, or what verifies: a secret or a public key. */
export type WebhookKey = string;

export const HEADER_ID = "webhook-id";
export const HEADER_TIMESTAMP = "webhook-timestamp";
export const HEADER_SIGNATURE = "webhook-signature";

/** Bytes of a fresh secret. The standard asks for 24 to 64. */
const SECRET_BYTES = 32;

/** Receivers refuse what is older or newer: nobody can repeat a message that was seen long ago. */
const TOLERANCE_SECONDS = 300;

/** Threat: a header that costs a check for each of thousands of signatures. Two stand in it while a secret is replaced. */
const MAX_SIGNATURES = 8;

/** Makes a secret; `random(n)` returns n unpredictable bytes. */
export function generateSecret(random: (bytes: number) => Uint8Array): WebhookKey {
  return `whsec_${encodeBase64(random(SECRET_BYTES))}`;
}

/** Makes a pair of keys for Ed25519: the private one signs, the public one may be shown to anybody. */
export async function generateKeyPair(): Promise<{ signing: WebhookKey; verifying: WebhookKey }> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const exported = (await crypto.subtle.exportKey("pkcs8", pair.privateKey)) as ArrayBuffer;
  const raw = (await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer;
  return {
    signing: `whsk_${encodeBase64(new Uint8Array(exported))}`,
    verifying: `whpk_${encodeBase64(new Uint8Array(raw))}`,
  };
}

/** Returns the headers of a message, signed with every key. Throws TypeError for a key that is none. */
export async function signMessage(
  message: SignedMessage,
  keys: readonly WebhookKey[],
): Promise<Record<string, string>> {
  const content = contentOf(message);
  const signatures = await Promise.all(keys.map((key) => signatureOf(content, key)));
  return {
    [HEADER_ID]: message.id,
    [HEADER_TIMESTAMP]: String(message.timestamp),
    [HEADER_SIGNATURE]: signatures.join(" "),
  };
}

/**
 * Checks a message as a receiver does: its age, and that one of its signatures is of one of the keys. `now` in milliseconds
 * since 1970. Takes constant time for each key. Takes nothing that the reference implementation (npm standardwebhooks)
 * refuses, and reads a time and a signature in the one spelling that signers write. Throws TypeError for a key that is none.
 */
export async function verifyMessage(
  headers: Headers,
  body: string,
  keys: readonly WebhookKey[],
  now: number,
): Promise<boolean> {
  const id = headers.get(HEADER_ID) ?? "";
  const timestamp = timestampOf(headers.get(HEADER_TIMESTAMP) ?? "");
  if (id === "" || timestamp === null) return false;
  if (Math.abs(Math.floor(now / 1000) - timestamp) > TOLERANCE_SECONDS) return false;
  const signatures = (headers.get(HEADER_SIGNATURE) ?? "").split(" ").slice(0, MAX_SIGNATURES);
  const content = contentOf({ id, timestamp, body });
  const verdicts = await Promise.all(
    keys.flatMap((key) => signatures.map((signature) => isSignature(content, signature, key))),
  );
  return verdicts.includes(true);
}

/** Reads whole seconds in decimal; null for every other spelling of a number, like hex, which the signature would not cover. */
function timestampOf(text: string): number | null {
  const timestamp = Number(text);
  return Number.isSafeInteger(timestamp) && String(timestamp) === text ? timestamp : null;
}

function contentOf({ id, timestamp, body }: SignedMessage): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(`${id}.${timestamp}.${body}`));
}

async function signatureOf(content: Uint8Array<ArrayBuffer>, key: WebhookKey): Promise<string> {
  if (key.startsWith("whsk_")) {
    const imported = await crypto.subtle.importKey("pkcs8", bytesOf(key), "Ed25519", false, [
      "sign",
    ]);
    const signature = await crypto.subtle.sign("Ed25519", imported, content);
    return `v1a,${encodeBase64(new Uint8Array(signature))}`;
  }
  const signature = await crypto.subtle.sign("HMAC", await hmacKey(key, "sign"), content);
  return `v1,${encodeBase64(new Uint8Array(signature))}`;
}

async function isSignature(
  content: Uint8Array<ArrayBuffer>,
  signature: string,
  key: WebhookKey,
): Promise<boolean> {
  const [version, text = ""] = signature.split(",");
  const given = canonicalBytes(text);
  if (given === undefined) return false;
  if (key.startsWith("whpk_") && version === "v1a") {
    const imported = await crypto.subtle.importKey("raw", bytesOf(key), "Ed25519", false, [
      "verify",
    ]);
    return await crypto.subtle.verify("Ed25519", imported, given, content);
  }
  if (!key.startsWith("whsec_") || version !== "v1") return false;
  return await crypto.subtle.verify("HMAC", await hmacKey(key, "verify"), given, content);
}

async function hmacKey(key: WebhookKey, use: "sign" | "verify"): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return await crypto.subtle.importKey("raw", bytesOf(key), algorithm, false, [use]);
}

function bytesOf(key: WebhookKey): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(key.slice(key.indexOf("_") + 1));
  if (!/^wh(sec|sk|pk)_/.test(key) || bytes === undefined || bytes.length === 0)
    throw new TypeError("a webhook key is whsec_, whsk_ or whpk_ and base64");
  return bytes;
}

/** Reads base64 that is padded and has no spare bits set: otherwise one signature would have many spellings. */
function canonicalBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = decodeBase64(text);
  return bytes !== undefined && encodeBase64(bytes) === text ? bytes : undefined;
}
