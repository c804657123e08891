import { type Micros, toNumber } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { readBalances } from "./journal.ts";
import { retryAt } from "./outbox.ts";
import { storedNotice } from "./stored-ledger.ts";

/** Below what an account wants to be told that its credit runs low. */
export interface CreditLine {
  readonly accountId: string;
  /** Null: it does not want to be told. */
  readonly line: Micros | null;
}

/** Notices of low credit that wait to be handed over; written in the transaction that went below the line. */
export interface CreditAlerts {
  /** Notices whose time has come, oldest first. */
  dueAlerts(): readonly Notice[];
  /** Forgets a notice that was handed over. */
  alertTold(id: string): void;
  /** Puts a notice off that could not be: longer each time, up to an hour. */
  alertUntold(id: string): void;
}

/** Opens the alerts of a store. */
export function createCreditAlerts(store: SqlStore, now: () => number): CreditAlerts {
  return {
    dueAlerts: () =>
      store
        .all<{ notice: string }>(
          "SELECT notice FROM alerts WHERE due_at <= ? ORDER BY due_at, id",
          now(),
        )
        .map(({ notice }) => storedNotice.read(notice)),
    alertTold: (id) => void store.all("DELETE FROM alerts WHERE id = ?", id),
    alertUntold: (id) => {
      const [row] = store.all<{ attempts: number }>("SELECT attempts FROM alerts WHERE id = ?", id);
      if (row === undefined) return;
      store.all(
        "UPDATE alerts SET attempts = attempts + 1, due_at = ? WHERE id = ?",
        ...[retryAt(now(), row.attempts), id],
      );
    },
  };
}

/** Draws the line anew: the next hold or charge below it is told. */
export function drawLine(store: SqlStore, { accountId, line }: CreditLine): void {
  if (line === null) {
    store.all("DELETE FROM credit_line");
    return;
  }
  store.all(
    `INSERT INTO credit_line (one, account_id, line, is_told) VALUES (1, ?, ?, 0) ON CONFLICT (one) DO UPDATE
       SET account_id = excluded.account_id, line = excluded.line, is_told = 0`,
    ...[accountId, toNumber(line)],
  );
}

/** Looks whether the credit has gone below the line, and writes a notice the first time. Stands in the transaction that took it. */
export function watchCredit(store: SqlStore, now: number): void {
  const [row] = store.all<{ account_id: string; line: number; is_told: number }>(
    "SELECT account_id, line, is_told FROM credit_line",
  );
  if (row === undefined || row.is_told === 1) return;
  const available = toNumber(readBalances(store).available);
  if (available >= row.line) return;
  store.all("UPDATE credit_line SET is_told = 1");
  const [entry] = store.all<{ seq: number }>("SELECT max(seq) AS seq FROM entries");
  const notice: Notice = {
    // An account's entries are numbered once, so no two notices share an id.
    id: `evt_low_${row.account_id}_${entry?.seq ?? 0}`,
    type: "credit.low",
    accountId: row.account_id,
    at: now,
    data: { available_micros: available, threshold_micros: row.line },
  };
  store.all(
    "INSERT INTO alerts (id, notice, due_at, attempts) VALUES (?, ?, ?, 0)",
    ...[notice.id, storedNotice.write(notice), now],
  );
}

/** Listens again once credit that was given lifts the account to its line. What a hold gives back does not: it would be told with every answer. */
export function rearmWatch(store: SqlStore): void {
  const available = toNumber(readBalances(store).available);
  store.all("UPDATE credit_line SET is_told = 0 WHERE line <= ?", available);
}
