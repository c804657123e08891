import { expect, test } from "vitest";
import { KEY_CACHE_MS } from "#edge/keys/key-cache.ts";
import { measureRevocation } from "./revocation.ts";

test("a key that is revoked at any moment works on for less than its record is remembered", async () => {
  const { meanMs, longestMs } = await measureRevocation(20, 1);
  expect(longestMs).toBeLessThan(KEY_CACHE_MS);
  expect(meanMs).toBeGreaterThan(KEY_CACHE_MS / 2);
});
