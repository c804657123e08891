import type { MiddlewareHandler } from "hono";
import { MAX_BODY_BYTES } from "#wire/limits.ts";
import type { EdgeEnv } from "../env.ts";
import { refused } from "./errors.ts";

/**
 * Refuses bodies that say they are larger than `MAX_BODY_BYTES` with 413, unread. One that says nothing, or lies, is refused
 * by who reads it (`readChunks`) as soon as it passes that: here it would have to be kept.
 */
export function bodyLimit(): MiddlewareHandler<EdgeEnv> {
  return async function bodyLimit(c, next) {
    const stated = Number(c.req.header("content-length") ?? 0);
    if (stated > MAX_BODY_BYTES)
      return refused(c, { kind: "body_too_large", limitBytes: MAX_BODY_BYTES });
    return await next();
  };
}
