import type { Failure } from "./failure.ts";
import { add, least, type Micros, subtract, toNumber } from "./micros.ts";
import { ok, type Result, refuse } from "./result.ts";

/**
 * The books of one account. Every entry takes an amount from one and adds it to another, so that their sum is zero at
 * all times. `issuer` is where credit comes from and is never above zero; the others are never below.
 */
export interface Balances {
  readonly issuer: Micros;
  /** What may be spent. */
  readonly available: Micros;
  /** What answers in the making may cost. */
  readonly held: Micros;
  /** What was paid. */
  readonly revenue: Micros;
}

export type BookName = keyof Balances;

/**
 * `grant` gives credit · `hold` sets a price aside · `capture` takes it · `release` gives it back · `refund` returns what was paid
 * · `withdraw` takes credit back whose payment was given back or disputed.
 */
export type EntryKind = "grant" | "hold" | "capture" | "release" | "refund" | "withdraw";

/** One movement of money. Entries are only ever added. */
export interface Posting {
  readonly kind: EntryKind;
  /** Not negative. */
  readonly amount: Micros;
}

/** From which book to which book an entry of each kind moves money. */
export const movements: Readonly<Record<EntryKind, { from: BookName; to: BookName }>> = {
  grant: { from: "issuer", to: "available" },
  hold: { from: "available", to: "held" },
  capture: { from: "held", to: "revenue" },
  release: { from: "held", to: "available" },
  refund: { from: "revenue", to: "available" },
  withdraw: { from: "available", to: "issuer" },
};

/**
 * Moves money. Refuses a hold above what is available with `insufficient_credit` and changes nothing. Throws RangeError
 * where any other book would fall below zero: no caller can bring that about, only a bug.
 */
export function post(
  balances: Balances,
  { kind, amount }: Posting,
): Result<Balances, Extract<Failure, { kind: "insufficient_credit" }>> {
  if (amount < 0n) throw new RangeError(`a ${kind} of ${amount} micro-dollars is no amount`);
  const { from, to } = movements[kind];
  if (kind === "hold" && amount > balances.available)
    return refuse({
      kind: "insufficient_credit",
      priceMicros: toNumber(amount),
      availableMicros: toNumber(balances.available),
    });
  if (from !== "issuer" && amount > balances[from])
    throw new RangeError(`a ${kind} of ${amount} exceeds the ${balances[from]} of ${from}`);
  return ok({
    ...balances,
    [from]: subtract(balances[from], amount),
    [to]: add(balances[to], amount),
  });
}

/** Sums all books; anything but zero is a broken ledger. */
export function sumOf({ issuer, available, held, revenue }: Balances): bigint {
  return issuer + available + held + revenue;
}

/** Says which entries close a hold: the charge is captured, never more than was held, and the rest released. */
export function closing(held: Micros, charge: Micros): readonly Posting[] {
  const captured = least(held, charge);
  const postings: readonly Posting[] = [
    { kind: "capture", amount: captured },
    { kind: "release", amount: subtract(held, captured) },
  ];
  return postings.filter(({ amount }) => amount > 0n);
}

/** `day`, `month`: of the key · `subject`: a day of a client token's subject · `token`: what a client token may spend in all. */
export type SpendPeriod = "day" | "month" | "subject" | "token";

/**
 * Spends from a limit of a key, a subject or a client token. Refuses with `spend_limit_reached`; null is no limit. What is held
 * counts as spent until it is released.
 */
export function spendWithin(
  period: SpendPeriod,
  limit: Micros | null,
  spent: Micros,
  amount: Micros,
): Result<Micros, Extract<Failure, { kind: "spend_limit_reached" }>> {
  const total = add(spent, amount);
  if (limit === null || total <= limit) return ok(total);
  return refuse({
    kind: "spend_limit_reached",
    period,
    limitMicros: toNumber(limit),
    spentMicros: toNumber(spent),
    priceMicros: toNumber(amount),
  });
}
