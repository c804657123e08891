import type { SqlStore } from "../../storage/sql-store.ts";

/**
 * How long a hold stands after its last sign of life: three renewals of a live edge, of which two may be lost. Until then
 * a retry of a request whose Worker died is told to wait.
 */
export const HOLD_LIFETIME_MS: number = 3 * 60_000;

/**
 * The most that renewals make of it. Threat: a connection that the client never closes keeps credit and a place among the
 * concurrent. A day is what a reply is kept for; 512 steps of an 8B model without a GPU, at 96 s for 600 positions, take
 * 14 hours.
 */
export const MAX_HOLD_LIFETIME_MS: number = 24 * 3_600_000;

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
  return store.all<HoldRow>("SELECT * FROM holds WHERE id = ?", [holdId])[0];
}
