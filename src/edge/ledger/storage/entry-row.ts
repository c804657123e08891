import type { EntryKind } from "#domain/ledger.ts";

/** A line of the ledger as it is stored. */
export interface EntryRow extends Record<string, string | number | null> {
  readonly seq: number;
  readonly kind: EntryKind;
  readonly amount: number;
  readonly hold_id: string | null;
  readonly key_id: string | null;
  readonly reference: string | null;
  readonly note: string | null;
  readonly at: number;
  readonly available: number;
}
