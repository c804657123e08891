import { anyOf, byte, type Expression, literal, sequence, times } from "./regular.ts";

/** What numbers a field takes. */
export interface NumberRange {
  /** Multiples of 10^−decimals; minimum ≤ maximum. */
  readonly minimum: number;
  readonly maximum: number;
  /** Digits behind the point at most, 0 … 6. */
  readonly decimals: number;
}

/**
 * The numbers of a range as people write them: a sign only below zero, no needless zero in front, a point only with digits behind
 * it, of which there may be fewer than allowed. So each number is written in at most `decimals` + 1 ways, all of the same value.
 */
export function numerals({ minimum, maximum, decimals }: NumberRange): Expression {
  const byDigits = Array.from({ length: decimals + 1 }, (_, digits) =>
    scaledNumerals(scaled(minimum, digits, Math.ceil), scaled(maximum, digits, Math.floor), digits),
  );
  return anyOf(...byDigits);
}

/** Reads what `numerals` writes. */
export function readNumeral(text: string): number {
  return Number(text);
}

/** A bound in units of 10^−digits, rounded into the range. By way of its written form, so that 0.29 is 29 hundredths and not 28. */
function scaled(bound: number, digits: number, round: (value: number) => number): bigint {
  const [mantissa = "0", exponent = "0"] = bound.toExponential().split("e");
  return BigInt(round(Number(`${mantissa}e${Number(exponent) + digits}`)));
}

/** Whole multiples of 10^−digits from `low` to `high`, each with exactly that many digits behind the point. */
function scaledNumerals(low: bigint, high: bigint, digits: number): Expression {
  if (low > high) return anyOf();
  const below =
    low < 0n
      ? sequence(literal("-"), unsigned(high < 0n ? -high : 1n, -low, digits)) // never "-0"
      : anyOf();
  const above = high >= 0n ? unsigned(low > 0n ? low : 0n, high, digits) : anyOf();
  return anyOf(below, above);
}

/** Of 0 ≤ low ≤ high, with the point before the last `digits` digits. */
function unsigned(low: bigint, high: bigint, digits: number): Expression {
  const parts: Expression[] = [];
  const shortest = Math.max(String(low).length, digits + 1);
  const longest = Math.max(String(high).length, digits + 1);
  for (let length = shortest; length <= longest; length++) {
    // Numbers that need fewer digits than a one before the point are filled up with zeros.
    const least = length === digits + 1 ? 0n : 10n ** BigInt(length - 1);
    const most = 10n ** BigInt(length) - 1n;
    const from = low > least ? low : least;
    const to = high < most ? high : most;
    if (from > to) continue;
    parts.push(between(padded(from, length), padded(to, length), length - digits));
  }
  return anyOf(...parts);
}

function padded(value: bigint, length: number): string {
  return String(value).padStart(length, "0");
}

/** Strings of digits from `low` to `high`, of equal length; a point stands before index `point` unless that is their end. */
function between(low: string, high: string, point: number, index = 0): Expression {
  if (index === low.length) return sequence();
  const dot = index === point ? literal(".") : sequence();
  const first = Number(low[index]);
  const last = Number(high[index]);
  if (first === last) {
    return sequence(dot, digit(first, last), between(low, high, point, index + 1));
  }
  const rest = low.length - index - 1;
  const parts = [
    sequence(digit(first, first), between(low, edge(low, index, "9"), point, index + 1)),
    sequence(digit(last, last), between(edge(high, index, "0"), high, point, index + 1)),
  ];
  if (last - first > 1) {
    parts.push(sequence(digit(first + 1, last - 1), freeDigits(index + 1, rest, point)));
  }
  return sequence(dot, anyOf(...parts));
}

/** As far as `index` the same, behind it only this digit. */
function edge(digits: string, index: number, fill: "0" | "9"): string {
  return digits.slice(0, index + 1).padEnd(digits.length, fill);
}

function freeDigits(from: number, count: number, point: number): Expression {
  if (point < from || point >= from + count) return times(count, digit(0, 9));
  return sequence(
    times(point - from, digit(0, 9)),
    literal("."),
    times(count - (point - from), digit(0, 9)),
  );
}

/** One digit from the first to the last, both taken. */
export function digit(first: number, last: number): Expression {
  return byte([0x30 + first, 0x30 + last]);
}
