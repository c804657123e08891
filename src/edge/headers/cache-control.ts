import type { CacheDirectives } from "../cache/answer-cache.ts";

/** Reads a request's `Cache-Control`; unknown directives mean nothing, a broken `max-age` is 0. Source: RFC 9111 sections 5.2 and 5.2.1. */
export function cacheDirectives(header: string | undefined): CacheDirectives {
  const directives = new Map(
    (header ?? "")
      .toLowerCase()
      .split(",")
      .map((part) => part.trim().split("="))
      .map(([name = "", value]) => [name.trim(), value?.trim().replaceAll('"', "")] as const),
  );
  const maxAge = directives.get("max-age");
  return {
    noStore: directives.has("no-store"),
    noCache: directives.has("no-cache"),
    onlyIfCached: directives.has("only-if-cached"),
    maxAge: directives.has("max-age") ? secondsOf(maxAge) : null,
  };
}

function secondsOf(text: string | undefined): number {
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
}
