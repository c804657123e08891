import type { MiddlewareHandler } from "hono";
import type { EdgeEnv } from "../env.ts";
import { refused } from "./errors.ts";

/**
 * Refuses bodies that are compressed, with 415. Threat: a small body that unpacks to gigabytes. Pictures are compressed
 * already, and the text beside them is short. Source: RFC 9110 section 15.5.16.
 */
export function contentEncoding(): MiddlewareHandler<EdgeEnv> {
  return async function contentEncoding(c, next) {
    const coding = (c.req.header("content-encoding") ?? "").trim().toLowerCase();
    if (coding === "" || coding === "identity") return await next();
    const refusal = refused(c, {
      kind: "unsupported_media_type",
      contentType: `one with Content-Encoding ${coding.slice(0, 64)}`,
      supported: "the body uncompressed",
    });
    refusal.headers.set("accept-encoding", "identity");
    return refusal;
  };
}
