declare const unit: unique symbol;

/** Money: whole micro-dollars ($0.000001), bigint inside the house, a JSON integer named `*_micros` on the wire. */
export type Micros = bigint & { readonly [unit]: "micros" };

/** Threat: sums that JSON and SQLite hand back rounded. 2^53 − 1 micro-dollars are nine billion dollars. */
export const MAX_MICROS: Micros = BigInt(Number.MAX_SAFE_INTEGER) as Micros;

export const ZERO: Micros = 0n as Micros;

/** Counts micro-dollars. Throws RangeError for fractions and for what lies beyond ± MAX_MICROS: a bug, or a broken store. */
export function micros(amount: bigint | number): Micros {
  const whole = BigInt(amount);
  if (whole > MAX_MICROS || whole < -MAX_MICROS)
    throw new RangeError(`${whole} micro-dollars are beyond what can be counted`);
  return whole as Micros;
}

/** Adds. Throws RangeError beyond ± MAX_MICROS. */
export function add(left: Micros, right: Micros): Micros {
  return micros(left + right);
}

/** Takes `right` from `left`; the difference may be negative. */
export function subtract(left: Micros, right: Micros): Micros {
  return micros(left - right);
}

/** The smaller of the two. */
export function least(left: Micros, right: Micros): Micros {
  return left < right ? left : right;
}

/** Writes an amount for JSON and SQLite; exact, because amounts stay within ± MAX_MICROS. */
export function toNumber(amount: Micros): number {
  return Number(amount);
}
