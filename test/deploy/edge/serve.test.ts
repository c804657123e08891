import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { settingNames } from "#edge/settings.ts";
import { type Database, migrate } from "../../../infra/edge/workerd/migrate.ts";
import { parseServeConfig, workerBindings } from "../../../infra/edge/workerd/serve-config.ts";

/** As D1 is spoken to, over SQLite itself. */
function databaseIn(sqlite: DatabaseSync): Database {
  type Bound = ReturnType<Database["prepare"]> & { readonly run: () => unknown };
  const prepare = (sql: string, values: readonly string[] = []): Bound => ({
    bind: (...bound) => prepare(sql, bound),
    all: async <Row>() => ({ results: sqlite.prepare(sql).all(...values) as Row[] }),
    run: () => sqlite.prepare(sql).run(...values),
  });
  return {
    prepare,
    batch: async (statements) => {
      sqlite.exec("BEGIN");
      try {
        for (const one of statements) (one as Bound).run();
        sqlite.exec("COMMIT");
      } catch (cause) {
        sqlite.exec("ROLLBACK");
        throw cause;
      }
    },
  };
}

const first = { name: "0001_a.sql", statements: ["CREATE TABLE a (x TEXT)"] };
const second = { name: "0002_b.sql", statements: ["CREATE TABLE b (x TEXT)", "NO SQL AT ALL"] };

test("migrations of the edge's tables are applied once each, whole or not at all", async () => {
  using sqlite = new DatabaseSync(":memory:");
  const database = databaseIn(sqlite);
  expect(await migrate(database, [first])).toEqual(["0001_a.sql"]);
  await expect(migrate(database, [first, second])).rejects.toThrow("syntax error");
  const tables = sqlite.prepare("SELECT name FROM sqlite_master WHERE name IN ('a', 'b')").all();
  expect(tables).toMatchObject([{ name: "a" }]);
  const mended = { ...second, statements: second.statements.slice(0, 1) };
  expect(await migrate(database, [first, mended])).toEqual(["0002_b.sql"]);
  expect(await migrate(database, [first, mended])).toEqual([]);
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
