import type { MiddlewareHandler } from "hono";
import { isUploadToken } from "#wire/api/accounts/client-token.ts";
import type { KeyScope } from "#wire/api/accounts/key.ts";
import type { EdgeEnv } from "../env.ts";
import type { KeyRecord } from "../keys/key-store.ts";
import { refused } from "./errors.ts";

/** Lets keys pass that may be used for this, and the administrator, who has none. Stands behind `apiKey` or `keyOrAdmin`. */
export function scope(needed: KeyScope): MiddlewareHandler<EdgeEnv> {
  return async function scope(c, next) {
    const key: KeyRecord | undefined = c.get("key");
    if (key !== undefined && !key.scopes.includes(needed))
      return refused(c, { kind: "scope_missing", scope: needed });
    return await next();
  };
}

/** Keeps client tokens of one upload from everything but an upload. Stands behind `apiKey`. */
export function uploadOnly(): MiddlewareHandler<EdgeEnv> {
  return async function uploadOnly(c, next) {
    const token = c.get("clientToken");
    const isUpload = c.req.method === "POST" && c.req.path === "/v1/images";
    if (token !== undefined && isUploadToken(token) && !isUpload)
      return refused(c, { kind: "scope_missing", scope: "ask", mayUpload: true });
    return await next();
  };
}
