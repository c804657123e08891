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
 * first migration says `IF NOT EXISTS` throughout and adopts it. A new database is given the last version at once.
 *
 * Throws NewerDatabaseError where a newer Worker has made a breaking change; one that only added is worked with.
 */
export function migrate(store: SqlStore, what: string, migrations: readonly Migration[]): void {
  const current = readVersion(store);
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

interface SchemaVersion {
  /** Number of the last migration that ran; 0 before the first. */
  readonly version: number;
  /** Number of the last breaking one: code that knows fewer must keep its hands off. */
  readonly breakingVersion: number;
}

function readVersion(store: SqlStore): SchemaVersion {
  const none: SchemaVersion = { version: 0, breakingVersion: 0 };
  // Not `PRAGMA user_version`: the runtime's SQLite refuses it.
  if (store.all("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").length === 0)
    return none;
  const [row] = store.all<{ version: number; breaking_version: number }>(
    "SELECT version, breaking_version FROM schema_version",
  );
  return row === undefined ? none : { version: row.version, breakingVersion: row.breaking_version };
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
    ...[version, breakingVersion],
  );
}

function run(store: SqlStore, statement: string, name: string): void {
  try {
    store.all(statement);
  } catch (cause) {
    throw new Error(`a migration failed and was undone: ${name}`, { cause });
  }
}
