import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../env.ts";

/** Every reply is what its media type says: a browser must not read a page out of an answer's text. Source: Fetch standard, section 3.6. */
export function nosniff(): MiddlewareHandler<EdgeEnv> {
  return async function nosniff(c, next) {
    await next();
    c.res.headers.set("x-content-type-options", "nosniff");
  };
}
