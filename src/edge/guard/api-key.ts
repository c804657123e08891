import type { MiddlewareHandler } from "hono";
import { endTime, startTime } from "hono/timing";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { authenticate, singleKeyStore } from "../keys/key-store.ts";
import { refused } from "./errors.ts";

/** Lets holders of a key pass. Only the header counts: a key in an address would stand in every log on the way. */
export function apiKey(): MiddlewareHandler<EdgeEnv> {
  return async function apiKey(c, next) {
    startTime(c, "auth");
    const [, token = ""] = /^Bearer (\S+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    const record = await authenticate(token, singleKeyStore(settingsOf(c.env).apiKey));
    endTime(c, "auth");
    if (!record.ok) return refused(c, { kind: "unauthenticated" });
    c.set("key", record.value);
    return await next();
  };
}
