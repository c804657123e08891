import type { SqlStore } from "../../storage/sql-store.ts";
import { notKeptReply } from "./not-kept.ts";

/** Forgets the words of a reply. Stands in a transaction. */
export function forgetReply(store: SqlStore, holdId: string): void {
  store.all("UPDATE replies SET reply = ? WHERE hold_id = ? AND reply IS NOT NULL", [
    notKeptReply(holdId),
    holdId,
  ]);
}

/** Tables of which nothing is money: they go whole. */
const WITHOUT_MONEY = ["replies", "rates", "spending", "credit_line", "alerts", "places"] as const;

/** What stands in place of whoever it was. */
const NOBODY = "erased";

/**
 * Leaves of an account's books the money alone. False, and nothing is changed, while a hold is open or usage waits to be sent: money
 * would be lost, or the copy. Stands in a transaction.
 */
export function eraseBooks(store: SqlStore): boolean {
  const [left] = store.all<{ open: number }>(
    "SELECT (SELECT count(*) FROM holds WHERE state = 'open') + (SELECT count(*) FROM outbox) AS open",
  );
  if (left?.open !== 0) return false;
  for (const table of WITHOUT_MONEY) store.all(`DELETE FROM ${table}`);
  // A late capture of one finds nothing, as after the week that they are kept for.
  store.all("DELETE FROM holds");
  // Ids of answers, grants and payments stay: what is refunded or disputed later names them.
  store.all("UPDATE entries SET key_id = ? WHERE key_id IS NOT NULL", [NOBODY]);
  return true;
}
