import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../env.ts";
import { refused } from "./errors.ts";

/** Lets keys pass, and no client token: what lies behind is the whole account's. Stands behind `apiKey`. */
export function keyOnly(): MiddlewareHandler<EdgeEnv> {
  return async function keyOnly(c, next) {
    if (c.get("clientToken") !== undefined) return refused(c, { kind: "key_required" });
    return await next();
  };
}
