import type { MiddlewareHandler } from "hono";
import { isClientToken } from "#wire/api/accounts/client-token.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import type { EdgeEnv } from "../env.ts";
import { bearerOf } from "../headers/bearer.ts";
import { isSameSecret } from "../keys/same-secret.ts";
import { settingsOf } from "../settings.ts";
import { refused } from "./errors.ts";

/**
 * Lets the administrator pass. Where no admin key is configured, nobody is one; strangers cannot tell the difference. Of a
 * key of another kind its form is told, which they see themselves, and nothing of whether there is such a key.
 */
export function adminKey(): MiddlewareHandler<EdgeEnv> {
  return async function adminKey(c, next) {
    const given = bearerOf(c);
    if (await isOneOf(settingsOf(c.env).adminKeys, given)) return await next();
    const isOtherKind = isApiKey(given) || isClientToken(given);
    return refused(c, { kind: "unauthenticated", wanted: "administrator", isOtherKind });
  };
}

/** Compares with each, so that time does not tell which of two a guess was like. */
async function isOneOf(keys: readonly string[], given: string): Promise<boolean> {
  const guess = await digestOf(given);
  const matches = await Promise.all(
    keys.map(async (key) => isSameSecret(guess, await digestOf(key))),
  );
  return matches.includes(true);
}

/** By its form. */
export function isApiKey(text: string): boolean {
  return text.startsWith("umk_");
}

/** Digests are of one length, so that comparing them does not tell the key's. */
async function digestOf(text: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(text)));
}
