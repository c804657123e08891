import type { SqlStore } from "../../storage/sql-store.ts";
import { type BatchTerms, storedBatchTerms } from "./stored-batches.ts";

/** A batch as it is kept. Times are milliseconds since 1970. */
export interface BatchRow extends Record<string, string | number | null> {
  readonly terms: string;
  readonly cancelled_at: number | null;
  readonly ended_at: number | null;
  readonly charged: number | null;
  readonly is_indexed: number;
  readonly is_told: number;
  /** When somebody deleted it; null: nobody. */
  readonly deleted_at: number | null;
}

/** Reads what holds for the batch as a whole; null before it has begun. */
export function readTerms(store: SqlStore): BatchTerms | null {
  const [row] = store.all<{ terms: string }>("SELECT terms FROM batch");
  return row === undefined ? null : storedBatchTerms.read(row.terms);
}

/** Whether it is being deleted: then nobody sees it any more. */
export function isDeleted(store: SqlStore): boolean {
  return store.all("SELECT one FROM batch WHERE deleted_at IS NOT NULL").length > 0;
}

/** Whether somebody has cancelled it. */
export function isCancelled(store: SqlStore): boolean {
  return store.all("SELECT one FROM batch WHERE cancelled_at IS NOT NULL").length > 0;
}

/** Notes the end of a batch whose last item has ended. Stands in the transaction that ended it. */
export function endWhenOver(store: SqlStore, now: number): void {
  store.all(
    `UPDATE batch SET ended_at = ? WHERE ended_at IS NULL
       AND NOT EXISTS (SELECT place FROM items WHERE state <> 'ended')`,
    [now],
  );
}
