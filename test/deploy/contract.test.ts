import { expect, test } from "vitest";
import { d1Migrations } from "../../infra/deploy/cloudflare/versions/schemas.ts";
import { MIGRATIONS } from "./stand.ts";
import { openBoth, someAccount } from "./wrangler-contract.ts";

// Every reply of wrangler's is held in contract.full.test.ts; each takes the real one seconds.

test("the real wrangler prints versions as the fake one does, and says in the same words that a queue is not there", async () => {
  await using both = await openBoth(someAccount(d1Migrations(MIGRATIONS)));
  const [versions, hasQueue] = await Promise.all([
    both.real.versions(),
    both.real.hasQueue("unmask-production-usage-dead"),
  ]);
  expect(versions).toEqual(await both.fake.versions());
  expect(versions.map(({ tag }) => tag)).toHaveLength(2);
  expect(hasQueue).toBe(false);
}, 60_000);
