import type { Context, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { EdgeEnv } from "../env.ts";
import { logRequest } from "../log.ts";
import { beginSpan, type OpenSpan } from "../telemetry/spans.ts";

/**
 * Takes up the caller's trace, or begins one, and writes one line of log per request: nothing of questions, pictures or
 * keys. `traceparent` goes on to the function. Source: W3C Trace Context section 3.2.
 */
export function trace(): MiddlewareHandler<EdgeEnv> {
  return async function trace(c, next) {
    const span = beginSpan("request", "server", c.req.header("traceparent") ?? null);
    c.set("traceparent", span.traceparent);
    const start = Date.now();
    await next();
    tell(c, span, Date.now() - start);
  };
}

function tell(c: Context<EdgeEnv>, span: OpenSpan, ms: number): void {
  const { method } = c.req;
  const { status } = c.res;
  const route = routePath(c);
  const whose = {
    request_id: c.get("requestId"),
    account: c.get("key")?.accountId ?? null,
    answer: idOf(c.get("answerId")),
  };
  logRequest({ method, route, status, ms, ...whose }, span.context);
  // Source: OpenTelemetry's semantic conventions for HTTP servers; a refusal is no error of ours.
  const http = {
    "http.request.method": method,
    "http.route": route,
    "http.response.status_code": status,
    "unmask.refusal": c.get("refusal") ?? null,
  };
  span.end({ ...http, ...prefixed(whose) }, status >= 500);
}

function prefixed(members: Readonly<Record<string, string | null>>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(members).map(([key, value]) => [`unmask.${key}`, value]),
  );
}

/** What a path names is anything that somebody typed, until it has the form of an id. */
function idOf(named: string | undefined): string | null {
  return named !== undefined && /^(?:ans|bat)_[0-9A-Za-z]{21}$/.test(named) ? named : null;
}
