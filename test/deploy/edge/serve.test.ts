import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { settingNames } from "#edge/settings.ts";
import { migrate, type RunBatch } from "../../../infra/edge/workerd/migrate.ts";
import { parseServeConfig, workerBindings } from "../../../infra/edge/workerd/serve-config.ts";
import { migrateDatabases } from "../../../infra/edge/workerd/workerd.ts";

/** As the edge speaks to D1, over SQLite itself. */
function batchesIn(sqlite: DatabaseSync): RunBatch {
  return async (statements) => {
    sqlite.exec("BEGIN");
    try {
      const replies = statements.map(({ sql, values }) => sqlite.prepare(sql).all(...values));
      sqlite.exec("COMMIT");
      return replies.at(-1) ?? [];
    } catch (cause) {
      sqlite.exec("ROLLBACK");
      throw cause;
    }
  };
}

const first = { name: "0001_a.sql", statements: ["CREATE TABLE a (x TEXT)"] };
const second = { name: "0002_b.sql", statements: ["CREATE TABLE b (x TEXT)", "NO SQL AT ALL"] };

test("migrations of the edge's tables are applied once each, whole or not at all", async () => {
  using sqlite = new DatabaseSync(":memory:");
  const batches = batchesIn(sqlite);
  expect(await migrate(batches, [first])).toEqual(["0001_a.sql"]);
  await expect(migrate(batches, [first, second])).rejects.toThrow("syntax error");
  const tables = sqlite.prepare("SELECT name FROM sqlite_master WHERE name IN ('a', 'b')").all();
  expect(tables).toMatchObject([{ name: "a" }]);
  const mended = { ...second, statements: second.statements.slice(0, 1) };
  expect(await migrate(batches, [first, mended])).toEqual(["0002_b.sql"]);
  expect(await migrate(batches, [first, mended])).toEqual([]);
});

test("a migration that workerd's database refuses is told with the database's name and words", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-tables-"));
  onTestFinished(() => rmSync(folder, { recursive: true, maxRetries: 5 }));
  const edge = { worker: { d1Databases: { DB: { id: "db" } } }, settings: [] };
  const made = migrateDatabases(folder, { ...edge, migrations: [first, second] });
  await expect(made).rejects.toThrow(/the tables of DB cannot be made: .*syntax error/);
});

test("the edge's process hands the Worker its own variables, from files too, and no other", () => {
  const bindings = workerBindings(settingNames(), {
    FUNCTION_URL: "http://function:8788",
    PATH: "/bin",
    UNMASK_PORT: "8787",
    MODEL_FILE: "package.json",
  });
  expect(Object.keys(bindings).sort()).toEqual(["FUNCTION_URL", "MODEL"]);
  expect(() => workerBindings(["MODEL"], { MODEL: "a", MODEL_FILE: "b" })).toThrow("both set");
  expect(() => workerBindings(["MODEL"], { MODEL_FILE: "/nowhere" })).toThrow("MODEL_FILE names");
});

test("the edge's process listens where its host says, and refuses rubbish by name", () => {
  expect(parseServeConfig({ PORT: "80" })).toMatchObject({ port: 80, host: "127.0.0.1" });
  expect(parseServeConfig({ PORT: "80", UNMASK_PORT: "81" }).port).toBe(81);
  expect(() => parseServeConfig({ UNMASK_PORT: "no" })).toThrow("UNMASK_PORT");
});
