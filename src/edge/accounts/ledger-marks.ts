/** Says in D1 that ledgers have moved, or where their accounts want to be told, so that the backups look at them next. Who forgets it delays the backup, and loses nothing: all are looked at in turn. */
export function ledgersMoved(
  db: D1Database,
  accountIds: Iterable<string>,
  now: number,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO ledger_exports (account_id, changed_at)
         SELECT value, ?2 FROM json_each(?1) WHERE true
         ON CONFLICT (account_id) DO UPDATE SET changed_at = max(changed_at, excluded.changed_at)`,
    )
    .bind(JSON.stringify([...new Set(accountIds)]), now);
}
