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
  const allowed = isWithin(store, counters, request.amount);
  if (!allowed.ok) return allowed;
  const own = counters.filter(({ isSum }) => !isSum);
  for (const { name, forgetAt } of own)
    store.all(
      `INSERT INTO spending (purse, amount, forget_at) VALUES (?, ?, ?) ON CONFLICT (purse) DO UPDATE
         SET amount = amount + excluded.amount, forget_at = max(forget_at, excluded.forget_at)`,
      [name, toNumber(request.amount), forgetAt],
    );
  return ok(own.map(({ name }) => name));
}

/** Says whether a price could be spent from every counter of a request, or refuses with the first where it could not. */
export function hasSpending(
  store: SqlStore,
  request: SpendingRequest,
  now: number,
): Result<void, Failure> {
  return isWithin(store, capCountersOf(request, now), request.amount);
}

function isWithin(
  store: SqlStore,
  counters: readonly CapCounter[],
  amount: Micros,
): Result<void, Failure> {
  for (const counter of counters) {
    const spent = counter.limit === null ? ZERO : readSpending(store, counter);
    const total = spendWithin(counter.period, counter.limit, spent, amount);
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

/** Gives counters back what was spent from them and not charged. Most charges are what was held, and then nothing is written. */
export function returnSpending(store: SqlStore, counters: readonly string[], amount: Micros): void {
  if (amount === ZERO) return;
  for (const counter of counters) {
    const known = store.all(
      "UPDATE spending SET amount = amount - ? WHERE purse = ? RETURNING purse",
      [toNumber(amount), counter],
    );
    if (known.length === 0) returnToMonth(store, counter, amount);
  }
}

/**
 * Databases of 0.1.0 forgot a day after two, and what it had spent stands under day 00 of its month. Days are known for
 * longer than a month since, so that beyond that month nothing is counted that this could lower.
 */
function returnToMonth(store: SqlStore, counter: string, amount: Micros): void {
  const day = /^(.* \d{4}-\d\d)-\d\d$/.exec(counter);
  if (day === null) return;
  store.all("UPDATE spending SET amount = max(0, amount - ?) WHERE purse = ?", [
    toNumber(amount),
    `${day[1]}-00`,
  ]);
}

/** Forgets counters that nothing can be spent from any more. */
export function forgetCapCounters(store: SqlStore, now: number): void {
  store.all("DELETE FROM spending WHERE forget_at <= ?", [now]);
}

/** Name of a key's counter at a moment: its day, in UTC as ISO 8601 writes it. */
export function keyCapCounter(keyId: string, at: number): string {
  return `${keyId} ${new Date(at).toISOString().slice(0, 10)}`;
}

/** Something that a key spends from besides the account's credit. */
interface CapCounter {
  /** Of a sum the beginning of its parts' names. */
  readonly name: string;
  readonly period: SpendPeriod;
  readonly limit: Micros | null;
  /** Whether it is the sum of other counters: a month is that of its days, and costs no row of its own. */
  readonly isSum: boolean;
  /** From when nothing can be spent from it or be given back any more, nor is it part of a sum. */
  readonly forgetAt: number;
}

const DAY_MS = 24 * 3_600_000;

/** The key's day and month, the subject's day, and the client token. */
function capCountersOf(request: SpendingRequest, now: number): readonly CapCounter[] {
  const { keyId, keyLimits, spendCap, subject } = request;
  const name = keyCapCounter(keyId, now);
  const forgetAt = now + 32 * DAY_MS;
  const day: CapCounter = {
    name,
    period: "day",
    limit: keyLimits.spendPerDayMicros,
    isSum: false,
    forgetAt,
  };
  const month: CapCounter = {
    name: name.slice(0, -"-27".length),
    period: "month",
    limit: keyLimits.spendPerMonthMicros,
    isSum: true,
    forgetAt,
  };
  const counters = [day, month];
  if (subject !== null && subject.spendPerDayMicros !== null)
    counters.push({
      name: `${subject.owner} ${new Date(now).toISOString().slice(0, 10)}`,
      period: "subject",
      limit: subject.spendPerDayMicros,
      isSum: false,
      forgetAt: now + 2 * DAY_MS,
    });
  if (spendCap === null) return counters;
  const { tokenId, amount, expiresAt } = spendCap;
  const token: CapCounter = {
    name: tokenId,
    period: "token",
    limit: amount,
    isSum: false,
    forgetAt: Math.max(expiresAt, now) + DAY_MS,
  };
  return [...counters, token];
}

function readSpending(store: SqlStore, { name, isSum }: CapCounter): Micros {
  const [row] = isSum
    ? store.all<{ amount: number }>(
        "SELECT coalesce(sum(amount), 0) AS amount FROM spending WHERE purse BETWEEN ? AND ?",
        [`${name}-00`, `${name}-31`],
      )
    : store.all<{ amount: number }>("SELECT amount FROM spending WHERE purse = ?", [name]);
  return row === undefined ? ZERO : micros(row.amount);
}
