import type { Failure } from "#domain/failure.ts";
import { type SpendPeriod, spendWithin } from "#domain/ledger.ts";
import type { KeyLimits } from "#domain/limits.ts";
import { type Micros, micros, toNumber, ZERO } from "#domain/micros.ts";
import { ok, type Result } from "#domain/result.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import type { Subject } from "./rates.ts";

/** Spends a price from every counter of a request and names them, or refuses with the first that is spent. */
export function takeSpending(
  store: SqlStore,
  request: SpendingRequest,
  now: number,
): Result<readonly string[], Failure> {
  const counters = capCountersOf(request, now);
  for (const { name, period, limit, forgetAt } of counters) {
    const total = spendWithin(period, limit, readSpending(store, name), request.amount);
    if (!total.ok) return total;
    store.all(
      `INSERT INTO spending (purse, amount, forget_at) VALUES (?, ?, ?) ON CONFLICT (purse) DO UPDATE
         SET amount = excluded.amount, forget_at = max(forget_at, excluded.forget_at)`,
      ...[name, toNumber(total.value), forgetAt],
    );
  }
  return ok(counters.map(({ name }) => name));
}

/** Says whether a price could be spent from every counter of a request, or refuses with the first where it could not. */
export function hasSpending(
  store: SqlStore,
  request: SpendingRequest,
  now: number,
): Result<void, Failure> {
  for (const { name, period, limit } of capCountersOf(request, now)) {
    const total = spendWithin(period, limit, readSpending(store, name), request.amount);
    if (!total.ok) return total;
  }
  return ok(undefined);
}

/** The most that everything asked with one client token may cost together. */
export interface SpendCap {
  readonly tokenId: string;
  readonly amount: Micros;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What a request says of what may be spent for it. */
export interface SpendingRequest {
  readonly keyId: string;
  readonly keyLimits: KeyLimits;
  /** The quote, or the least that it can cost. */
  readonly amount: Micros;
  /** Of the client token that stands for the key; null for the key itself. */
  readonly spendCap: SpendCap | null;
  /** Of the client token's subject, or of the token where it has none; null for the key itself. */
  readonly subject: Subject | null;
}

/** Gives counters back what was spent from them and not charged. */
export function returnSpending(store: SqlStore, counters: readonly string[], amount: Micros): void {
  for (const counter of counters)
    store.all("UPDATE spending SET amount = amount - ? WHERE purse = ?", toNumber(amount), counter);
}

/** Forgets counters that nothing can be spent from any more. */
export function forgetCapCounters(store: SqlStore, now: number): void {
  store.all("DELETE FROM spending WHERE forget_at <= ?", now);
}

/** Names of the counters of a key at a moment: its day and its month, in UTC as ISO 8601 writes them. */
export function keyCapCounters(keyId: string, at: number): readonly [day: string, month: string] {
  const date = new Date(at).toISOString();
  return [`${keyId} ${date.slice(0, 10)}`, `${keyId} ${date.slice(0, 7)}`];
}

/** Something that a key spends from besides the account's credit. */
interface CapCounter {
  readonly name: string;
  readonly period: SpendPeriod;
  readonly limit: Micros | null;
  /** From when nothing can be spent from it or be given back any more. */
  readonly forgetAt: number;
}

const DAY_MS = 24 * 3_600_000;

/** The key's day and month, the subject's day, and the client token. */
function capCountersOf(request: SpendingRequest, now: number): readonly CapCounter[] {
  const { keyId, keyLimits, spendCap, subject } = request;
  const [dayName, monthName] = keyCapCounters(keyId, now);
  const day: CapCounter = {
    name: dayName,
    period: "day",
    limit: keyLimits.spendPerDayMicros,
    forgetAt: now + 2 * DAY_MS,
  };
  const month: CapCounter = {
    name: monthName,
    period: "month",
    limit: keyLimits.spendPerMonthMicros,
    forgetAt: now + 32 * DAY_MS,
  };
  const counters = [day, month];
  if (subject !== null && subject.spendPerDayMicros !== null)
    counters.push({
      name: `${subject.owner} ${new Date(now).toISOString().slice(0, 10)}`,
      period: "subject",
      limit: subject.spendPerDayMicros,
      forgetAt: now + 2 * DAY_MS,
    });
  if (spendCap === null) return counters;
  const { tokenId, amount, expiresAt } = spendCap;
  const forgetAt = Math.max(expiresAt, now) + DAY_MS;
  return [...counters, { name: tokenId, period: "token", limit: amount, forgetAt }];
}

function readSpending(store: SqlStore, counter: string): Micros {
  const [row] = store.all<{ amount: number }>(
    "SELECT amount FROM spending WHERE purse = ?",
    counter,
  );
  return row === undefined ? ZERO : micros(row.amount);
}
