import type { MiddlewareHandler } from "hono";
import { requestId as chooseRequestId } from "hono/request-id";
import type { EdgeEnv } from "../env.ts";
import { newId } from "../id.ts";

/** Threat: ids of callers land in every log line. 64 characters hold any UUID or trace id. */
const MAX_REQUEST_ID_LENGTH = 64;

/** Names every request, in `X-Request-Id`: as the caller did, if its name is short and plain. */
export function requestId(): MiddlewareHandler<EdgeEnv> {
  const choose = chooseRequestId({
    limitLength: MAX_REQUEST_ID_LENGTH,
    generator: () => newId("req"),
  });
  return async function requestId(c, next) {
    await choose(c, next);
    // Again, because a handler that returns a Response of its own drops the headers set before.
    c.res.headers.set("x-request-id", c.get("requestId"));
  };
}
