import { readBackupFigures } from "../backup/figures.ts";
import type { EdgeMetric } from "./catalog.ts";
import type { Sample } from "./exposition.ts";

/** Tells how the backups stand. `now` in milliseconds since 1970. */
export async function readBackup(
  db: D1Database,
  now: number,
): Promise<readonly Sample<EdgeMetric>[]> {
  const figures = await readBackupFigures(db);
  const age = figures.oldestChangeAt === null ? 0 : Math.max(0, now - figures.oldestChangeAt);
  const values = {
    unmask_edge_backup_accounts_due: figures.accountsDue,
    unmask_edge_backup_oldest_change_seconds: age / 1000,
    unmask_edge_backup_last_run_timestamp_seconds: figures.lastRunAt / 1000,
    unmask_edge_backup_last_tables_timestamp_seconds: figures.lastTablesAt / 1000,
    unmask_edge_backup_mismatches_total: figures.mismatches,
    unmask_edge_backup_failures_total: figures.failures,
  } as const;
  return Object.entries(values).map(([name, value]) => ({
    name: name as keyof typeof values,
    labels: [],
    value,
  }));
}
