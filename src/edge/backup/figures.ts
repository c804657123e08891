import { BackupState } from "./backup-state.ts";

/** How the backups stand. Times are milliseconds since 1970. */
export interface BackupFigures {
  /** Ledgers that have moved since they were exported. */
  readonly accountsDue: number;
  /** When the first of those moved; null where there is none. What is lost of money if all is lost now. */
  readonly oldestChangeAt: number | null;
  /** 0: never. */
  readonly lastRunAt: number;
  /** Of the last complete snapshot of the tables; 0: there is none. */
  readonly lastTablesAt: number;
  /** Ledgers that say otherwise than their lines, and objects that are not as they were written, since ever. */
  readonly mismatches: number;
  /** Runs and exports that came to nothing, since ever. */
  readonly failures: number;
}

/** Threat: counting a table of all accounts for each look. Beyond so many it is known that the backups do not keep up. */
const MAX_COUNTED = 10_000;

/** Reads how the backups stand. */
export async function readBackupFigures(db: D1Database): Promise<BackupFigures> {
  const { lastRunAt, lastTablesAt, mismatches, failures } = await new BackupState(db).record();
  const row = await db
    .prepare(
      `SELECT count(*) AS due, min(changed_at) AS oldest FROM (
         SELECT changed_at FROM ledger_exports WHERE changed_at >= exported_at LIMIT ?)`,
    )
    .bind(MAX_COUNTED)
    .first<{ due: number; oldest: number | null }>();
  return {
    accountsDue: row?.due ?? 0,
    oldestChangeAt: row?.oldest ?? null,
    lastRunAt,
    lastTablesAt,
    mismatches,
    failures,
  };
}
