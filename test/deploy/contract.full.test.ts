import { describe, expect, test } from "vitest";
import type { Cloud } from "../../infra/deploy/cloudflare/account/cloud.ts";
import { WranglerError } from "../../infra/deploy/cloudflare/account/wrangler.ts";
import { d1Migrations } from "../../infra/deploy/cloudflare/versions/schemas.ts";
import { emptyAccount } from "../support/fake-account.ts";
import { MIGRATIONS } from "./stand.ts";
import { openBoth, someAccount } from "./wrangler-contract.ts";

// The real wrangler against a stand-in of Cloudflare's API, and the fake one over the same account: `npm run deploy` reads the same
// out of what both print. Not held: `deploy` itself and `versions secret bulk`, whose uploads the stand-in does not take.

const files = d1Migrations(MIGRATIONS);
const old = "11111111-1111-4111-8111-111111111111";
const newest = "22222222-2222-4222-8222-222222222222";

const questions: readonly (readonly [string, (cloud: Cloud) => Promise<unknown>])[] = [
  ["accounts", (cloud) => cloud.accounts()],
  ["databases", (cloud) => cloud.databases()],
  ["pending migrations", (cloud) => cloud.pendingMigrations("DB", files)],
  ["a queue that is there", (cloud) => cloud.hasQueue("unmask-production-usage")],
  ["a queue that is not", (cloud) => cloud.hasQueue("unmask-production-usage-dead")],
  ["buckets", (cloud) => cloud.buckets()],
  ["rules of a bucket", (cloud) => cloud.rules("unmask-production-images")],
  ["rules of a bucket that has none", (cloud) => cloud.rules("unmask-production-weights")],
  ["secrets", (cloud) => cloud.secrets()],
  ["versions", (cloud) => cloud.versions()],
  ["the version that runs", (cloud) => cloud.current()],
  ["versions that ran", (cloud) => cloud.released()],
];

describe("the real wrangler tells of an account", () => {
  test.each(questions)(
    "%s, as the fake one does",
    async (_, ask) => {
      await using both = await openBoth(someAccount(files));
      expect(await ask(both.real)).toEqual(await ask(both.fake));
    },
    60_000,
  );

  test.each(questions.filter(([what]) => /secrets|version/.test(what)))(
    "without our Worker %s, as the fake one does",
    async (_, ask) => {
      await using both = await openBoth(emptyAccount());
      expect(await ask(both.real)).toEqual(await ask(both.fake));
    },
    60_000,
  );
});

describe("the real wrangler changes an account", () => {
  test.each([
    ["makes a queue", (cloud: Cloud) => cloud.createQueue("unmask-production-usage-dead")],
    ["makes a bucket", (cloud: Cloud) => cloud.createBucket("unmask-production-more")],
    ["makes a database", (cloud: Cloud) => cloud.createDatabase("unmask-more")],
    ["releases a version", (cloud: Cloud) => cloud.release(newest, "d1=2/0")],
    ["goes back to one", (cloud: Cloud) => cloud.rollback(newest, "back")],
  ] as const)(
    "%s, as the fake one does",
    async (_, change) => {
      await using both = await openBoth(someAccount(files));
      await change(both.real);
      const [before, after] = both.states();
      expect([
        after.queues.length,
        after.buckets.length,
        after.databases.length,
        current(after),
      ]).not.toEqual([before.queues.length, before.buckets.length, before.databases.length, old]);
    },
    60_000,
  );

  test("gives a bucket rules, as the fake one does", { timeout: 60_000 }, async () => {
    await using both = await openBoth(someAccount(files));
    const bucket = "unmask-production-weights";
    for (const cloud of [both.fake, both.real]) {
      await cloud.addRule({ bucket, name: "old", prefix: "", days: 31 });
      await cloud.addRule({ bucket, name: "work", prefix: "work/", days: 3 });
      expect(await cloud.rules(bucket)).toEqual(new Set(["old", "work"]));
    }
    const [fake, real] = both.states();
    expect(real.rules).toEqual(fake.rules);
  });

  test.each([
    ["a queue", (cloud: Cloud) => cloud.createQueue("unmask-production-usage"), /already taken/],
    ["a bucket", (cloud: Cloud) => cloud.createBucket("unmask-production-images"), /you own it/],
    ["a database", (cloud: Cloud) => cloud.createDatabase("unmask-production"), /already exists/],
  ] as const)(
    "refuses to make %s that is there, in words that are understood",
    async (_, make, words) => {
      await using both = await openBoth(someAccount(files));
      for (const cloud of [both.fake, both.real]) {
        const fault: unknown = await make(cloud).catch((cause: unknown) => cause);
        expect(fault).toBeInstanceOf(WranglerError);
        expect(fault instanceof WranglerError ? fault.words : "").toMatch(words);
      }
    },
    60_000,
  );
});

function current({ workers }: ReturnType<typeof someAccount>): string | undefined {
  return workers["unmask-production"]?.deployments.at(-1)?.version;
}
