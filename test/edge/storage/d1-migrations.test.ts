import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { AccountTable } from "#edge/accounts/account-store.ts";
import { AnswerIndex } from "#edge/answers/storage/answer-index.ts";
import { BatchIndex } from "#edge/batches/batch-index.ts";
import { KeyTable } from "#edge/keys/key-store.ts";
import { UsageIndex } from "#edge/usage/usage-index.ts";
import rows010 from "../../fixtures/databases/0.1.0/d1.sql?raw";
import rows020 from "../../fixtures/databases/0.2.0-dev.1/d1.sql?raw";
import { dropTables } from "../empty-database.ts";

/** The last migration of each release whose rows are kept as fixtures. */
const RELEASES: readonly (readonly [
  release: string,
  lastMigration: string,
  rows: string,
  owner: string | null,
])[] = [
  ["0.1.0", "0005_credit_low.sql", rows010, null],
  ["0.2.0-dev.1", "0007_owners.sql", rows020, "sub:u1"],
];

test.each(RELEASES)(
  "the rows of release %s are read after every later migration",
  async (...release) => {
    const [, last, rows, owner] = release;
    const database = env.OLD_DB;
    await dropTables(database);
    const migrations = JSON.parse(env.TEST_MIGRATIONS) as D1Migration[];
    const count = migrations.findIndex(({ name }) => name === last) + 1;
    expect(count).toBeGreaterThan(0);
    await applyD1Migrations(database, migrations.slice(0, count));
    await database.batch(
      rows
        .trim()
        .split("\n")
        .map((row) => database.prepare(row)),
    );
    await applyD1Migrations(database, migrations);

    expect(await new AccountTable(database).find("acc_old")).toMatchObject({
      limits: { requestsPerMinute: 60, concurrent: 4 },
      creditLow: 500_000n,
    });
    expect(await new KeyTable(database).find("key_old")).toMatchObject({
      ...{ scopes: ["ask", "usage"], models: ["unmask-demo"], origins: null },
      limits: { spendPerDayMicros: 1000n, spendPerMonthMicros: null },
    });
    const old = { accountId: "acc_old", owner };
    const all = { status: undefined, after: undefined };
    expect(await new AnswerIndex(database).list(old, all, 10)).toMatchObject([
      { id: "ans_old", status: "completed", chargedMicros: 47 },
    ]);
    expect(await new BatchIndex(database).list(old, undefined, 10)).toMatchObject([
      { id: "bat_old", body: { charged_micros: 47 } },
    ]);
    const usage = await new UsageIndex(database).list(old, undefined, 10);
    expect(usage).toMatchObject([{ day: "2026-11-27", answers: 1, steps: 16, charged_micros: 47 }]);
    // What was charged before anybody counted is in the totals.
    const totals = await database.prepare("SELECT * FROM model_totals").all();
    expect(totals.results).toMatchObject([{ charges: 1, steps: 16, charged_micros: 47 }]);
  },
);
