import type { MiddlewareHandler } from "hono";
import { sha256Hex } from "#wire/codec/digest.ts";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { bearerOf } from "../headers/bearer.ts";
import { isSameSecret } from "../keys/same-secret.ts";
import { refused } from "./errors.ts";

/** Lets the administrator pass. Where no admin key is configured, nobody is one; strangers cannot tell the difference. */
export function adminKey(): MiddlewareHandler<EdgeEnv> {
  return async function adminKey(c, next) {
    const expected = settingsOf(c.env).adminKey;
    const given = bearerOf(c);
    const isAdmin =
      expected !== undefined && isSameSecret(await digestOf(given), await digestOf(expected));
    return isAdmin ? await next() : refused(c, { kind: "unauthenticated" });
  };
}

/** Digests are of one length, so that comparing them does not tell the key's. */
async function digestOf(text: string): Promise<string> {
  return await sha256Hex(new Uint8Array(new TextEncoder().encode(text)));
}
