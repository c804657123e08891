import type { MiddlewareHandler } from "hono";
import type { KeyScope } from "#wire/api/accounts/key.ts";
import type { EdgeEnv } from "../env.ts";
import { refused } from "./errors.ts";

/** Lets keys pass that may be used for this. Stands behind `apiKey`. */
export function scope(needed: KeyScope): MiddlewareHandler<EdgeEnv> {
  return async function scope(c, next) {
    if (!c.get("key").scopes.includes(needed))
      return refused(c, { kind: "scope_missing", scope: needed });
    return await next();
  };
}
