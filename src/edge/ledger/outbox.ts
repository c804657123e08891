import type { UsageEvent } from "#wire/function/usage-event.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { storedUsage } from "./storage/stored-ledger.ts";

/** Usage events that wait to be sent; written in the transaction that charged, so that none is ever lost. */
export interface Outbox {
  /** Events whose time has come, oldest first, at most `limit`. */
  due(limit: number): readonly UsageEvent[];
  /** Forgets events that were sent. */
  sent(ids: readonly string[]): void;
  /** Puts events off that could not be sent: longer each time, up to an hour. */
  unsent(ids: readonly string[]): void;
}

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 3_600_000;

/** When to try again what had been tried in vain so often before: after 2 s, 4 s …, an hour at most. */
export function retryAt(now: number, attempts: number): number {
  return now + Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 20));
}

/** Puts an event into the outbox. Stands in the transaction that it tells of. */
export function putOut(store: SqlStore, event: UsageEvent, now: number): void {
  store.all("INSERT INTO outbox (id, event, due_at) VALUES (?, ?, ?)", [
    event.id,
    storedUsage.write(event),
    now,
  ]);
}

/** Opens the outbox of a store. */
export function createOutbox(store: SqlStore, now: () => number): Outbox {
  return {
    due: (limit) =>
      store
        .all<{ event: string }>(
          "SELECT event FROM outbox WHERE due_at <= ? ORDER BY due_at, id LIMIT ?",
          [now(), limit],
        )
        .map(({ event }) => storedUsage.read(event)),
    sent: (ids) =>
      store.transaction(() => {
        for (const id of ids) store.all("DELETE FROM outbox WHERE id = ?", [id]);
      }),
    unsent: (ids) =>
      store.transaction(() => {
        for (const id of ids)
          store.all(
            `UPDATE outbox SET attempts = attempts + 1,
               due_at = ? + min(?, ? << min(attempts, 20)) WHERE id = ?`,
            [now(), LONGEST_RETRY_MS, FIRST_RETRY_MS, id],
          );
      }),
  };
}
