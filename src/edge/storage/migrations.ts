import type { SqlStore } from "./sql-store.ts";

/**
 * One numbered change of an object's tables. Its number is its place in the list, from 1, and it never changes once it
 * was released: databases that ran it are kept for ever.
 */
export interface Migration {
  /** What it does, for the operator who reads the error of one that failed. */
  readonly name: string;
  /**
   * `additive`: code of the version before reads and writes the tables as well as before (new tables, new nullable or
   * defaulted columns, new indexes). `breaking`: it does not, and refuses to open them, so such a change is released in
   * two steps: first code that can do both, then the migration.
   */
  readonly kind: "additive" | "breaking";
  /** Run in this order, in one transaction with every other migration that is due. */
  readonly statements: readonly string[];
}

/**
 * The tables that all migrations up to a version leave behind, made at once: for objects that are made so often that what
 * each table costs counts. A test holds that both ways lead to the same tables.
 */
export interface WholeSchema {
  /** Its first table, which `statements` make with `madeAs` in it. */
  readonly table: string;
  readonly statements: readonly string[];
}

/**
 * A comment for the statement that makes a table at a version: SQLite keeps it with the table, so that no table and no row
 * are needed to say the version of a database that no migration has changed yet.
 */
export function madeAs({ version, breakingVersion }: SchemaVersion): string {
  return `/* schema ${version}, breaking ${breakingVersion} */`;
}

/** How new the tables of a database are. */
export interface SchemaVersion {
  /** Number of the last migration that ran; 0 before the first. */
  readonly version: number;
  /** Number of the last breaking one: code that knows fewer must keep its hands off. */
  readonly breakingVersion: number;
}

/** The tables were written by code that this code cannot stand in for: an older Worker was deployed over a newer one. */
export class NewerDatabaseError extends Error {
  override readonly name = "NewerDatabaseError";

  constructor(what: string, breakingVersion: number, known: number) {
    super(
      `the database of ${what} needs schema ${breakingVersion}, this Worker knows ${known}: deploy a Worker at least as new as the one that wrote it`,
    );
  }
}

/**
 * Brings an object's tables to the newest schema: all migrations that are due in one transaction, so that a database has
 * one version or the other and nothing between. A database from before versions were counted has none written down; its
 * first migration says `IF NOT EXISTS` throughout and adopts it. A new database is given the last version at once, by
 * `whole` where there is one.
 *
 * Throws NewerDatabaseError where a newer Worker has made a breaking change; one that only added is worked with.
 */
export function migrate(
  store: SqlStore,
  what: string,
  migrations: readonly Migration[],
  whole?: WholeSchema,
): void {
  if (whole !== undefined && !hasTable(store, whole.table)) makeWhole(store, what, whole);
  const current = readVersion(store, whole);
  if (current.breakingVersion > migrations.length)
    throw new NewerDatabaseError(what, current.breakingVersion, migrations.length);
  if (current.version >= migrations.length) return;
  store.transaction(() => {
    for (const { name, statements } of migrations.slice(current.version))
      for (const statement of statements) run(store, statement, `${what}: ${name}`);
    writeVersion(store, {
      version: migrations.length,
      breakingVersion: migrations.findLastIndex(({ kind }) => kind === "breaking") + 1,
    });
  });
}

function makeWhole(store: SqlStore, what: string, { statements }: WholeSchema): void {
  store.transaction(() => {
    for (const statement of statements) run(store, statement, `${what}: all at once`);
  });
}

function hasTable(store: SqlStore, name: string): boolean {
  return store.all("SELECT 1 FROM sqlite_master WHERE name = ?", [name]).length > 0;
}

function readVersion(store: SqlStore, whole: WholeSchema | undefined): SchemaVersion {
  const none: SchemaVersion = { version: 0, breakingVersion: 0 };
  // Not `PRAGMA user_version`: the runtime's SQLite refuses it.
  if (!hasTable(store, "schema_version"))
    return whole === undefined ? none : (versionMade(store, whole.table) ?? none);
  const [row] = store.all<{ version: number; breaking_version: number }>(
    "SELECT version, breaking_version FROM schema_version",
  );
  return row === undefined ? none : { version: row.version, breakingVersion: row.breaking_version };
}

/** What `madeAs` said of a table; undefined where it was not made so. */
function versionMade(store: SqlStore, table: string): SchemaVersion | undefined {
  const [row] = store.all<{ sql: string }>("SELECT sql FROM sqlite_master WHERE name = ?", [table]);
  const said = /\/\* schema ([0-9]+), breaking ([0-9]+) \*\//.exec(row?.sql ?? "");
  return said === null ? undefined : { version: Number(said[1]), breakingVersion: Number(said[2]) };
}

function writeVersion(store: SqlStore, { version, breakingVersion }: SchemaVersion): void {
  store.all(
    `CREATE TABLE IF NOT EXISTS schema_version (
       one INTEGER PRIMARY KEY CHECK (one = 1),
       version INTEGER NOT NULL,
       breaking_version INTEGER NOT NULL
     ) STRICT`,
  );
  store.all(
    `INSERT INTO schema_version (one, version, breaking_version) VALUES (1, ?, ?)
       ON CONFLICT (one) DO UPDATE
       SET version = excluded.version, breaking_version = excluded.breaking_version`,
    [version, breakingVersion],
  );
}

function run(store: SqlStore, statement: string, name: string): void {
  try {
    store.all(statement);
  } catch (cause) {
    throw new Error(`a migration failed and was undone: ${name}`, { cause });
  }
}
