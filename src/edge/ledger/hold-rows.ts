import type { SqlStore } from "../storage/sql-store.ts";

/** A hold as it is kept. */
export interface HoldRow extends Record<string, string | number | null> {
  readonly id: string;
  readonly account_id: string;
  readonly key_id: string;
  /** Of the client token that asked, or its subject; null for the key itself. */
  readonly owner: string | null;
  readonly model: string;
  readonly amount: number;
  readonly opened_at: number;
  readonly state: "open" | "captured" | "released";
  readonly charged: number;
  /** What of the charge was given back. */
  readonly refunded: number;
  /** Names of the counters it was spent from, as a JSON list. */
  readonly spending: string;
}

/** Finds a hold; undefined where there is none, or it was closed more than a week ago. */
export function readHold(store: SqlStore, holdId: string): HoldRow | undefined {
  return store.all<HoldRow>("SELECT * FROM holds WHERE id = ?", holdId)[0];
}
