/** Leaves an empty database behind, whatever a test before left there. */
export async function dropTables(database: D1Database): Promise<void> {
  const { results } = await database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
    )
    .all<{ name: string }>();
  // Children first: foreign keys are enforced.
  for (const { name } of results.toReversed()) await database.prepare(`DROP TABLE "${name}"`).run();
}
