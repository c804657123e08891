import type { Context, MiddlewareHandler } from "hono";
import { endTime, startTime } from "hono/timing";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  type ClientToken,
  clientTokenSecret,
  isClientToken,
} from "#wire/api/accounts/client-token.ts";
import type { EdgeEnv } from "../env.ts";
import { bearerOf } from "../headers/bearer.ts";
import { authenticate, authenticateToken } from "../keys/authenticate.ts";
import { keyCache } from "../keys/key-cache.ts";
import { type KeyRecord, KeyTable, LAST_USED_MS } from "../keys/key-store.ts";
import { settingsOf } from "../settings.ts";
import { refused } from "./errors.ts";

/** Lets holders of a key or a client token pass. Only the header counts: a key in an address would stand in every log on the way. */
export function apiKey(): MiddlewareHandler<EdgeEnv> {
  return async function apiKey(c, next) {
    startTime(c, "auth");
    const caller = await callerOf(c);
    endTime(c, "auth");
    if (!caller.ok)
      return refused(c, { kind: "unauthenticated", isOtherKind: isAdminKey(bearerOf(c)) });
    const { key, token } = caller.value;
    c.set("key", key);
    if (token !== undefined) c.set("clientToken", token);
    noteUse(c, key);
    const origin = c.req.header("origin") ?? null;
    if (!mayComeFrom(origin, c.req.url, key))
      return refused(c, { kind: "origin_forbidden", origin });
    return await next();
  };
}

/** Notes that a key is used, where that was not noted for a while; nothing waits for it. */
function noteUse(c: Context<EdgeEnv>, { id, lastUsedAt = null }: KeyRecord): void {
  const now = Date.now();
  if (lastUsedAt !== null && Math.abs(now - lastUsedAt) < LAST_USED_MS) return;
  keyCache.used(id, now);
  c.executionCtx.waitUntil(new KeyTable(c.env.DB).touch(id, now));
}

/** By its form: what `npm start` draws; an administrator may have chosen another. */
function isAdminKey(text: string): boolean {
  return text.startsWith("uma_");
}

async function callerOf(
  c: Context<EdgeEnv>,
): Promise<Result<{ readonly key: KeyRecord; readonly token?: ClientToken }, string>> {
  // The second is where Moondream's clients put it.
  const text = bearerOf(c) || (c.req.header("x-moondream-auth") ?? "");
  const store = keyCache.over(new KeyTable(c.env.DB), Date.now);
  if (isClientToken(text)) {
    const secret = await clientTokenSecret(settingsOf(c.env).ticketKey);
    return await authenticateToken(text, secret, store, Date.now());
  }
  const key = await authenticate(text, store, Date.now());
  return key.ok ? ok({ key: key.value }) : refuse(key.refusal);
}

/**
 * A key without origins is a server's: a page of another origin that holds one has leaked it. A key with origins works
 * from them alone. Pages of this very address are ours.
 */
function mayComeFrom(origin: string | null, url: string, { origins }: KeyRecord): boolean {
  if (origin === new URL(url).origin) return true;
  if (origins === null) return origin === null;
  return origin !== null && origins.includes(origin);
}
