import { exportJWK, generateKeyPair } from "jose";
import * as z from "zod";
import { jsonText } from "../codec/json-text.ts";

/** Of RFC 8037, with Ed25519. */
export const TICKET_ALGORITHM = "EdDSA";

/** A JWK with the name under which verifiers find its public half. */
export interface TicketVerificationKey {
  readonly kid: string;
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  /** Public key, base64url. */
  readonly x: string;
}

export interface TicketSigningKey extends TicketVerificationKey {
  /** Private key, base64url. */
  readonly d: string;
}

const kid = z.string().min(1).max(128);

const verificationKeySchema: z.ZodType<TicketVerificationKey> = z.object({
  kid,
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.base64url().length(43),
});

const signingKeySchema: z.ZodType<TicketSigningKey> = z.object({
  kid,
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.base64url().length(43),
  d: z.base64url().length(43),
});

/** Schema of the edge's private key, given as JSON text in a setting. */
export const signingKeyText: z.ZodType<TicketSigningKey, string> = jsonText(signingKeySchema);

/**
 * Schema of the public keys that a function trusts, given as the JSON text of a list. Two are there while a key is
 * being replaced: add the new public key to the functions, switch the edge, take the old one away.
 */
export const verificationKeysText: z.ZodType<readonly TicketVerificationKey[], string> = jsonText(
  z.array(verificationKeySchema).min(1).max(8),
);

/** Makes a fresh pair of keys named `kid`. */
export async function generateTicketKeys(
  kid: string,
): Promise<{ signing: TicketSigningKey; verification: TicketVerificationKey }> {
  const pair = await generateKeyPair(TICKET_ALGORITHM, { crv: "Ed25519", extractable: true });
  const signing = signingKeySchema.parse({ kid, ...(await exportJWK(pair.privateKey)) });
  return { signing, verification: verificationKeySchema.parse(signing) };
}

/** jose wants a mutable JWK and complains about members that contradict the use, so only these are handed on. */
function jwk({ kty, crv, x, ...rest }: TicketVerificationKey | TicketSigningKey): {
  kty: "OKP";
  crv: "Ed25519";
  x: string;
  d?: string;
} {
  return { kty, crv, x, ...("d" in rest ? { d: rest.d } : {}) };
}

const signingJwks = new WeakMap<TicketSigningKey, ReturnType<typeof jwk>>();

/** The same object for the same key: jose imports a JWK once. */
export function signingJwk(key: TicketSigningKey): ReturnType<typeof jwk> {
  const known = signingJwks.get(key) ?? jwk(key);
  signingJwks.set(key, known);
  return known;
}
