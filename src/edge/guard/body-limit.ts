import type { MiddlewareHandler } from "hono";
import { bodyLimit as limitBody } from "hono/body-limit";
import { MAX_BODY_BYTES } from "#wire/limits.ts";
import type { EdgeEnv } from "../env.ts";
import { refused } from "./errors.ts";

/** Refuses bodies beyond `MAX_BODY_BYTES` with 413, by their stated length or as soon as they pass it. */
export function bodyLimit(): MiddlewareHandler<EdgeEnv> {
  return limitBody({
    maxSize: MAX_BODY_BYTES,
    onError: (c) => refused(c, { kind: "body_too_large", limitBytes: MAX_BODY_BYTES }),
  });
}
