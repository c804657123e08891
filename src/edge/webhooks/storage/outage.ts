import type { SqlStore } from "../../storage/sql-store.ts";
import { waitForUs } from "./webhook-schedule.ts";

/** A time in which nothing of this account's left, for reasons of our own: the fetch hop is down, full, or restarting. */
export interface Outage {
  readonly since: number;
  /** Until when nothing is tried. */
  readonly pausedUntil: number;
}

/** Reads the outage that goes on; null where there is none. */
export function outageOf(store: SqlStore): Outage | null {
  const [row] = store.all<{ outage_since: number; paused_until: number }>(
    "SELECT outage_since, paused_until FROM account WHERE outage_since IS NOT NULL",
  );
  return row === undefined ? null : { since: row.outage_since, pausedUntil: row.paused_until };
}

/** Notes that a sending did not leave. Everything of the account pauses, a little longer each time. */
export function beginOutage(store: SqlStore, at: number, random: number): void {
  const since = outageOf(store)?.since ?? at;
  store.all("UPDATE account SET outage_since = ?, paused_until = ?", [
    since,
    at + waitForUs(at - since, random),
  ]);
}

/** Lets nothing more be taken until then, or until a word comes of what was. */
export function holdBack(store: SqlStore, until: number): void {
  store.all("UPDATE account SET paused_until = ?", [until]);
}

/** Notes that a sending left. The time of the outage is taken off what endpoints have been failing for: they were not asked. */
export function endOutage(store: SqlStore, at: number): void {
  const outage = outageOf(store);
  if (outage === null) return;
  store.all(
    "UPDATE endpoints SET failing_since = min(?1, failing_since + ?2) WHERE failing_since IS NOT NULL",
    [at, at - outage.since],
  );
  store.all("UPDATE account SET outage_since = NULL, paused_until = NULL");
}
