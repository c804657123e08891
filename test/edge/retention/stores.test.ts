import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { answerMigrations } from "#edge/answers/storage/answer-schema.ts";
import { batchMigrations } from "#edge/batches/storage/batch-schema.ts";
import { ledgerMigrations } from "#edge/ledger/storage/ledger-schema.ts";
import { type Migration, migrate } from "#edge/storage/migrations.ts";
import { durableStore } from "#edge/storage/sql-store.ts";
import { webhookMigrations } from "#edge/webhooks/storage/webhook-schema.ts";
import page from "../../../infra/docs/privacy.md?raw";
import cacheObject from "../../../src/edge/cache/cache-object.ts?raw";
import retentionObject from "../../../src/edge/retention/retention-object.ts?raw";
import configuration from "../../../wrangler.toml?raw";
import { tablesOfD1 } from "./everything.ts";

const schemas: Readonly<Record<string, readonly Migration[]>> = {
  AnswerObject: answerMigrations,
  BatchObject: batchMigrations,
  LedgerObject: ledgerMigrations,
  WebhookObject: webhookMigrations,
};

/** Objects without tables, by their source: they keep what they have under names. */
const keepers: Readonly<Record<string, string>> = {
  CacheObject: cacheObject,
  RetentionObject: retentionObject,
};

/** What the page says that there is. */
const named = [...page.matchAll(/^\| `([^`]+)` \|/gm)]
  .map(([, store = ""]) => store)
  .filter((store) => /^(?:[A-Z][A-Za-z]+Object|D1|R2|Queue)\./.test(store));

async function tablesOf(migrations: readonly Migration[]): Promise<readonly string[]> {
  const object = env.CACHE.getByName("tables of another object");
  return await runInDurableObject(object, async (_, { storage }) => {
    await storage.deleteAll();
    migrate(durableStore(storage), "a test", migrations);
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray();
    await storage.deleteAll();
    return tables.map(({ name }) => name).filter((name) => !/^(?:_cf_|sqlite_|schema_)/.test(name));
  });
}

function boundIn(section: string, key: string): readonly string[] {
  const blocks = configuration
    .split("\n\n")
    .filter((block) => block.includes(`\n[[${section}]]`) || block.startsWith(`[[${section}]]`));
  return blocks.flatMap((block) => new RegExp(`^${key} = "([^"]+)"`, "m").exec(block)?.[1] ?? []);
}

describe("the page on privacy names", () => {
  test.each(Object.keys(schemas))(
    "every table of the objects of %s, and no other",
    async (name) => {
      const tables = await tablesOf(schemas[name] ?? []);
      const told = named.filter((store) => store.startsWith(`${name}.`));
      expect(told.toSorted()).toEqual(tables.map((table) => `${name}.${table}`).toSorted());
    },
  );

  test.each(Object.keys(keepers))(
    "everything that an object of %s keeps, and nothing else",
    (name) => {
      const written = [...(keepers[name] ?? "").matchAll(/\bkv\.put\("([^"]+)"/g)];
      const keys = new Set(written.map(([, key]) => `${name}.${key}`));
      const told = named.filter((store) => store.startsWith(`${name}.`));
      expect(told.toSorted()).toEqual([...keys].toSorted());
    },
  );

  test("every table of the database, and no other", async () => {
    const tables = (await tablesOfD1()).map((table) =>
      table.endsWith("_totals") ? "D1.*_totals" : `D1.${table}`,
    );
    const told = named.filter((store) => store.startsWith("D1."));
    expect(told.toSorted()).toEqual([...new Set(tables)].toSorted());
  });

  test("every class of objects, every bucket and every queue that the Worker is bound to", () => {
    const classes = boundIn("durable_objects.bindings", "class_name").map((name) => `${name}.`);
    const buckets = boundIn("r2_buckets", "binding").map((name) => `R2.${name}`);
    const queues = boundIn("queues.producers", "binding").map((name) => `Queue.${name}`);
    expect(classes.length).toBeGreaterThan(5);
    const missing = [...classes, ...buckets, ...queues].filter(
      (store) => !named.some((told) => told.startsWith(store)),
    );
    expect(missing).toEqual([]);
  });
});
