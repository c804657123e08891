import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../env.ts";

/** An hour: what browsers keep at least a part of. */
const PREFLIGHT_SECONDS = "3600";

const METHODS = "GET, HEAD, POST, PATCH, DELETE";

const REQUEST_HEADERS =
  "authorization, content-type, accept, idempotency-key, if-none-match, if-range, last-event-id, range, prefer, cache-control, cancel-after, traceparent, x-moondream-auth, x-request-id";

const REPLY_HEADERS =
  "x-request-id, link, location, retry-after, ratelimit, ratelimit-policy, idempotency-replayed, server-timing, etag, age, content-range, accept-ranges, cache-status, preference-applied";

/**
 * Speaks to browsers of other origins. A preflight carries no key, so it tells every origin what might be allowed; who
 * really may is decided by the guard `apiKey`, which refuses other origins before anything is done. So every reply may
 * be read by the page that asked, refusals too: an app must see that its token has expired.
 */
export function cors(): MiddlewareHandler<EdgeEnv> {
  return async function cors(c, next) {
    const origin = c.req.header("origin");
    const isPreflight =
      c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
    if (origin !== undefined && isPreflight)
      return new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-origin": origin,
          "access-control-allow-methods": METHODS,
          "access-control-allow-headers": REQUEST_HEADERS,
          "access-control-max-age": PREFLIGHT_SECONDS,
          vary: "origin",
        },
      });
    await next();
    c.res.headers.append("vary", "origin");
    if (origin === undefined) return;
    c.res.headers.set("access-control-allow-origin", origin);
    c.res.headers.set("access-control-expose-headers", REPLY_HEADERS);
  };
}
