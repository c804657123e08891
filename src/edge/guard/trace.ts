import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { EdgeEnv } from "../env.ts";

const shape = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Takes up the caller's trace, or begins one, and writes one line of log per request: nothing of questions, pictures or
 * keys. `traceparent` goes on to the function. Source: W3C Trace Context section 3.2.
 */
export function trace(): MiddlewareHandler<EdgeEnv> {
  return async function trace(c, next) {
    const given = c.req.header("traceparent");
    const isValid = given !== undefined && shape.test(given);
    c.set("traceparent", isValid ? childOf(given) : `00-${randomHex(16)}-${randomHex(8)}-01`);
    const start = Date.now();
    await next();
    logRequest(c, Date.now() - start);
  };
}

/** The pattern of the route, not the path: paths of other people's mistakes hold what belongs in no log. */
function logRequest(c: Context<EdgeEnv>, ms: number): void {
  const line = {
    event: "request",
    method: c.req.method,
    route: routePath(c),
    status: c.res.status,
    ms,
    request_id: c.get("requestId"),
    trace_id: traceIdOf(c.get("traceparent")),
    account: c.get("key")?.accountId ?? null,
    answer: c.get("answerId") ?? null,
  };
  console.log(JSON.stringify(line));
}

/** The 32 hex digits that all spans of a trace share. */
function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

function childOf(traceparent: string): string {
  return `${traceparent.slice(0, 36)}${randomHex(8)}${traceparent.slice(52)}`;
}

function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
