import { describe, expect, test } from "vitest";
import { cacheDirectives } from "#edge/headers/cache-control.ts";

const none = { noStore: false, noCache: false, onlyIfCached: false, maxAge: null };

describe("a request's Cache-Control", () => {
  test.each([
    [undefined, none],
    ["", none],
    ["stale-while-revalidate=9, x", none],
    ["no-store", { ...none, noStore: true }],
    ["No-Cache , ONLY-IF-CACHED", { ...none, noCache: true, onlyIfCached: true }],
    ["max-age=60", { ...none, maxAge: 60 }],
    ['max-age="60"', { ...none, maxAge: 60 }],
    ["max-age=0", { ...none, maxAge: 0 }],
    ["max-age", { ...none, maxAge: 0 }],
    ["max-age=-1", { ...none, maxAge: 0 }],
    ["max-age=99999999999", { ...none, maxAge: 0 }],
  ])("%j reads as %j", (header, directives) => {
    expect(cacheDirectives(header)).toEqual(directives);
  });
});
