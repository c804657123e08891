import type { SqlMigration } from "./built.ts";

export interface Statement {
  readonly sql: string;
  /** Of its parameters, in their order. */
  readonly values: readonly string[];
}

/** Runs statements as one transaction, and resolves with the last one's rows. */
export type RunBatch = (
  statements: readonly Statement[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** The table in which wrangler keeps what has been applied, so that either may go on where the other has been. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/** Brings the tables up to date, each migration whole or not at all, and returns the names of those that were applied. */
export async function migrate(
  runBatch: RunBatch,
  migrations: readonly SqlMigration[],
): Promise<readonly string[]> {
  const rows = await runBatch([plain(CREATE_TABLE), plain("SELECT name FROM d1_migrations")]);
  const applied = new Set(rows.map(({ name }) => name));
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, statements } of missing)
    await runBatch([
      ...statements.map(plain),
      { sql: "INSERT INTO d1_migrations (name) VALUES (?)", values: [name] },
    ]);
  return missing.map(({ name }) => name);
}

function plain(sql: string): Statement {
  return { sql, values: [] };
}
