import { env } from "cloudflare:workers";
import type { CallerContext } from "#edge/caller-context.ts";
import type { Bindings } from "#edge/env.ts";
import { KeyTable } from "#edge/keys/key-store.ts";
import { settingsOf } from "#edge/settings.ts";
import { parseKey } from "#wire/api/accounts/key.ts";

/** Who asks with the key of the tests, through no particular request. */
export async function testCaller(
  overrides: Partial<CallerContext<Bindings>> = {},
): Promise<CallerContext<Bindings>> {
  const parsed = parseKey(env.TEST_API_KEY);
  const key = parsed.ok ? await new KeyTable(env.DB).find(parsed.value.id) : undefined;
  if (key === undefined) throw new Error("the key of the tests is not there");
  return {
    bindings: env,
    settings: settingsOf(env),
    key,
    clientToken: undefined,
    requestId: "req_test",
    traceparent: null,
    signal: new AbortController().signal,
    waitUntil: () => {},
    ...overrides,
  };
}
