import type { SqlMigration } from "./built.ts";

/** As much of D1 as is used here. */
export interface Database {
  prepare(statement: string): Statement;
  batch(statements: readonly Statement[]): Promise<unknown>;
}

interface Statement {
  bind(...values: readonly string[]): Statement;
  all<Row>(): Promise<{ readonly results: readonly Row[] }>;
}

/** The table in which wrangler keeps what has been applied, so that either may go on where the other has been. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)`;

/** Brings the tables up to date, each migration whole or not at all, and returns the names of those that were applied. */
export async function migrate(
  database: Database,
  migrations: readonly SqlMigration[],
): Promise<readonly string[]> {
  await database.batch([database.prepare(CREATE_TABLE)]);
  const { results } = await database
    .prepare("SELECT name FROM d1_migrations")
    .all<{ readonly name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, statements } of missing)
    await database.batch([
      ...statements.map((statement) => database.prepare(statement)),
      database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name),
    ]);
  return missing.map(({ name }) => name);
}
