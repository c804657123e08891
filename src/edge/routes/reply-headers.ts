import type { Context } from "hono";
import type { Allowance } from "#domain/limits.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { CacheOutcome } from "../cache/answer-cache.ts";
import { isStorable } from "../cache/cache-entry.ts";
import type { CallerContext } from "../caller-context.ts";
import type { Bindings, EdgeEnv } from "../env.ts";
import { rateLimitFields } from "../headers/rate-limit-fields.ts";
import { type Viewer, viewerOf } from "../keys/viewer.ts";
import { settingsOf } from "../settings.ts";

/** Reads the caller context of a request. */
export function callerContextOf(c: Context<EdgeEnv>): CallerContext<Bindings> {
  return {
    bindings: c.env,
    settings: settingsOf(c.env),
    key: c.get("key"),
    clientToken: c.get("clientToken"),
    requestId: c.get("requestId"),
    traceparent: c.get("traceparent"),
    signal: c.req.raw.signal,
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  };
}

/** Says for which account and owner a request reads what was asked before. */
export function viewerIn(c: Context<EdgeEnv>): Viewer {
  return viewerOf(c.get("key"), c.get("clientToken"));
}

/** Says what is left of each rate. */
export function tellRates(c: Context<EdgeEnv>, allowances: readonly Allowance[]): void {
  for (const [name, value] of Object.entries(rateLimitFields(allowances))) c.header(name, value);
}

/**
 * Says how the cache came into an answer: `stored` only of one that has ended and is kept. `answer` is null where the reply
 * begins before its end, which is not known yet. Source: RFC 9211, RFC 9111 section 5.1.
 */
export function tellCache(
  c: Context<EdgeEnv>,
  cache: CacheOutcome,
  answer: AnswerBody | null,
): void {
  switch (cache.kind) {
    case "bypass":
      c.header("cache-status", "unmask; fwd=bypass");
      break;
    case "miss":
      c.header(
        "cache-status",
        answer !== null && isStorable(answer) ? "unmask; fwd=miss; stored" : "unmask; fwd=miss",
      );
      break;
    case "collapsed":
      c.header("cache-status", "unmask; fwd=miss; collapsed");
      break;
    case "hit":
      c.header("age", String(cache.ageSeconds));
      c.header("cache-status", `unmask; hit; ttl=${cache.ttlSeconds}`);
      break;
    default:
      cache satisfies never;
  }
}

/** A completed answer's replay digest is its strong entity tag: equal digests are equal answers. */
export function entityTag({ digest }: Pick<AnswerBody, "digest">): Record<string, string> {
  return digest === null ? {} : { etag: `"${digest}"` };
}

export const eventHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
};
