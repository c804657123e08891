import { toNumber } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { readBalances } from "./journal.ts";
import type { LowCreditAlert } from "./ledger-service.ts";
import { retryAt } from "./outbox.ts";
import { storedNotice } from "./storage/stored-ledger.ts";

/** Notices of low credit that wait to be handed over; written in the transaction that went below the threshold. */
export interface LowCreditAlerts {
  /** Notices whose time has come, oldest first. */
  dueAlerts(): readonly Notice[];
  /** Forgets a notice that was handed over. */
  alertTold(id: string): void;
  /** Puts a notice off that could not be handed over: longer each time, up to an hour. */
  alertUntold(id: string): void;
}

/** Opens the alerts of a store. */
export function createLowCreditAlerts(store: SqlStore, now: () => number): LowCreditAlerts {
  return {
    dueAlerts: () =>
      store
        .all<{ notice: string }>(
          "SELECT notice FROM alerts WHERE due_at <= ? ORDER BY due_at, id",
          [now()],
        )
        .map(({ notice }) => storedNotice.read(notice)),
    alertTold: (id) => void store.all("DELETE FROM alerts WHERE id = ?", [id]),
    alertUntold: (id) => {
      const [row] = store.all<{ attempts: number }>("SELECT attempts FROM alerts WHERE id = ?", [
        id,
      ]);
      if (row === undefined) return;
      store.all("UPDATE alerts SET attempts = attempts + 1, due_at = ? WHERE id = ?", [
        retryAt(now(), row.attempts),
        id,
      ]);
    },
  };
}

/** Sets the threshold, and arms the alert: the next hold or charge that goes below it is told. */
export function setLowCreditAlert(store: SqlStore, { accountId, threshold }: LowCreditAlert): void {
  if (threshold === null) {
    store.all("DELETE FROM credit_line");
    return;
  }
  store.all(
    `INSERT INTO credit_line (one, account_id, line, is_told) VALUES (1, ?, ?, 0) ON CONFLICT (one) DO UPDATE
       SET account_id = excluded.account_id, line = excluded.line, is_told = 0`,
    [accountId, toNumber(threshold)],
  );
}

/** Looks whether the credit has gone below the threshold, and writes a notice the first time. Stands in the transaction that took it. */
export function alertLowCredit(store: SqlStore, now: number): void {
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
  store.all("INSERT INTO alerts (id, notice, due_at, attempts) VALUES (?, ?, ?, 0)", [
    notice.id,
    storedNotice.write(notice),
    now,
  ]);
}

/** Arms the alert again once a grant or a refund lifts the credit to its threshold. What a hold gives back does not: the account would be told with every answer. */
export function rearmLowCreditAlert(store: SqlStore): void {
  const available = toNumber(readBalances(store).available);
  store.all("UPDATE credit_line SET is_told = 0 WHERE line <= ?", [available]);
}
