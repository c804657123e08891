import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { answerMigrations, answerSchema } from "#edge/answers/storage/answer-schema.ts";
import {
  type Migration,
  madeAs,
  migrate,
  NewerDatabaseError,
  type WholeSchema,
} from "#edge/storage/migrations.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const first: Migration = {
  name: "things",
  kind: "breaking",
  statements: ["CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY) STRICT"],
};
const colour: Migration = {
  name: "colours",
  kind: "additive",
  statements: [
    "ALTER TABLE things ADD COLUMN colour TEXT",
    "UPDATE things SET colour = 'red' WHERE colour IS NULL",
  ],
};
const weight: Migration = {
  name: "weights",
  kind: "breaking",
  statements: ["ALTER TABLE things ADD COLUMN weight INTEGER NOT NULL DEFAULT 0"],
};

describe("migrations", () => {
  test("a new database has the newest tables at once, and opening it again changes nothing", () => {
    const store = nodeStore();
    migrate(store, "things", [first, colour]);
    store.all("INSERT INTO things (id, colour) VALUES ('a', 'blue')");
    migrate(store, "things", [first, colour]);
    expect(store.all("SELECT * FROM things")).toEqual([{ id: "a", colour: "blue" }]);
  });

  test("a database from before versions were counted is adopted, and its rows are brought along", () => {
    const store = nodeStore();
    store.all("CREATE TABLE things (id TEXT PRIMARY KEY) STRICT");
    store.all("INSERT INTO things (id) VALUES ('a')");
    migrate(store, "things", [first, colour, weight]);
    expect(store.all("SELECT * FROM things")).toEqual([{ id: "a", colour: "red", weight: 0 }]);
  });

  test("only what is due runs", () => {
    const store = nodeStore();
    migrate(store, "things", [first]);
    store.all("INSERT INTO things (id) VALUES ('a')");
    migrate(store, "things", [first, colour]);
    store.all("UPDATE things SET colour = 'blue'");
    migrate(store, "things", [first, colour, weight]);
    expect(store.all("SELECT colour, weight FROM things")).toEqual([{ colour: "blue", weight: 0 }]);
  });

  test("a migration that fails undoes all that ran with it, and says which it was", () => {
    const store = nodeStore(new DatabaseSync(":memory:"));
    migrate(store, "things", [first]);
    store.all("INSERT INTO things (id) VALUES ('a')");
    const broken: Migration = {
      name: "nonsense",
      kind: "additive",
      statements: ["UPDATE nowhere SET x = 1"],
    };
    expect(() => migrate(store, "things", [first, colour, broken])).toThrow("things: nonsense");
    expect(store.all("SELECT * FROM things")).toEqual([{ id: "a" }]);
    migrate(store, "things", [first, colour]);
    expect(store.all("SELECT * FROM things")).toEqual([{ id: "a", colour: "red" }]);
  });

  test("an older Worker works with what a newer one only added to, and keeps its hands off anything else", () => {
    const store = nodeStore();
    migrate(store, "things", [first, colour]);
    migrate(store, "things", [first]);
    expect(store.all("SELECT version FROM schema_version")).toEqual([{ version: 2 }]);
    migrate(store, "things", [first, colour, weight]);
    expect(() => migrate(store, "things", [first, colour])).toThrow(NewerDatabaseError);
    expect(() => migrate(store, "things", [first, colour])).toThrow("needs schema 3");
  });
});

describe("a schema that is made whole", () => {
  const whole: WholeSchema = {
    table: "things",
    statements: [
      `CREATE TABLE things ( ${madeAs({ version: 2, breakingVersion: 1 })} id TEXT PRIMARY KEY, colour TEXT) STRICT, WITHOUT ROWID`,
    ],
  };

  test("says its version without a row, and opening it again changes nothing", () => {
    const store = nodeStore();
    migrate(store, "things", [first, colour], whole);
    store.all("INSERT INTO things (id) VALUES ('a')");
    migrate(store, "things", [first, colour], whole);
    expect(store.all("SELECT * FROM things")).toEqual([{ id: "a", colour: null }]);
    expect(store.all("SELECT name FROM sqlite_master")).toEqual([{ name: "things" }]);
  });

  test("is brought along by what comes later, and an older Worker keeps its hands off it", () => {
    const store = nodeStore();
    migrate(store, "things", [first, colour], whole);
    store.all("INSERT INTO things (id) VALUES ('a')");
    migrate(store, "things", [first, colour, weight], whole);
    expect(store.all("SELECT * FROM things")).toEqual([{ id: "a", colour: null, weight: 0 }]);
    expect(store.all("SELECT version FROM schema_version")).toEqual([{ version: 3 }]);
    expect(() => migrate(store, "things", [first, colour], whole)).toThrow(NewerDatabaseError);
  });

  test("of a newer Worker is refused by one that knows fewer breaking changes", () => {
    const store = nodeStore();
    const made = madeAs({ version: 3, breakingVersion: 3 });
    const newer = { table: "things", statements: [`CREATE TABLE things ( ${made} id TEXT)`] };
    migrate(store, "things", [first, colour, weight], newer);
    expect(() => migrate(store, "things", [first, colour], whole)).toThrow(NewerDatabaseError);
  });

  test("has the tables that the migrations lead to: an answer's", () => {
    const tables = (schema?: WholeSchema): unknown => {
      const store = nodeStore();
      migrate(store, "an answer", answerMigrations, schema);
      return store.all(
        "SELECT name, sql FROM sqlite_master WHERE name <> 'schema_version' ORDER BY name",
      );
    };
    expect(tables(answerSchema)).toEqual(tables());
  });
});
