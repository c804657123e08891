import type { StoredArray } from "./tensor-file.ts";

/** Largest difference allowed for each kind of number. Source: README.md of the reference cases, "Tolerances to expect". */
export const tolerances = {
  exact: 0,
  embedding: 5e-5,
  hidden: 1e-3,
  logit: 2e-3,
  confidence: 2e-4,
  table: 2e-6,
} as const;

/** What has been compared so far: the worst difference, and every comparison that failed, in the order in which they were made. */
export interface Comparison {
  /** Compares two lists number by number. */
  numbers(
    what: string,
    actual: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: number,
  ): void;
  /** Compares with an array of the reference if it holds one of this name. */
  array(name: string, actual: ArrayLike<number>, tolerance: number): void;
  same(what: string, actual: unknown, expected: unknown): void;
  readonly failures: readonly string[];
  /** How many comparisons have been made so far. */
  count(): number;
  /** One phrase: how many comparisons, and the largest difference among them. */
  summary(): string;
}

/** Starts a comparison against the arrays of a case. */
export function compareWith(arrays: ReadonlyMap<string, StoredArray> = new Map()): Comparison {
  const failures: string[] = [];
  let count = 0;
  let worst = { what: "", difference: 0 };

  const comparison: Comparison = {
    failures,
    numbers(what, actual, expected, tolerance) {
      count += 1;
      if (actual.length !== expected.length) {
        failures.push(`${what}: ${actual.length} numbers, expected ${expected.length}`);
        return;
      }
      const { difference, index } = largestDifference(actual, expected);
      if (difference > worst.difference) worst = { what, difference };
      if (difference <= tolerance) return;
      failures.push(
        `${what}: largest difference ${scientific(difference)} at ${index} (${actual[index]}, expected ${expected[index]}), allowed ${scientific(tolerance)}`,
      );
    },
    array(name, actual, tolerance) {
      const expected = arrays.get(name);
      if (expected !== undefined) comparison.numbers(name, actual, expected.data, tolerance);
    },
    same(what, actual, expected) {
      count += 1;
      const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
      if (left !== right) failures.push(`${what}: ${left}, expected ${right}`);
    },
    count: () => count,
    summary: () =>
      worst.what === ""
        ? `${count} comparisons, no difference`
        : `${count} comparisons, largest difference ${scientific(worst.difference)} (${worst.what})`,
  };
  return comparison;
}

/** NaN in one list only counts as an infinite difference: it must never pass. */
function largestDifference(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): { readonly difference: number; readonly index: number } {
  let largest = { difference: 0, index: 0 };
  for (let index = 0; index < actual.length; index++) {
    const [left = Number.NaN, right = Number.NaN] = [actual[index], expected[index]];
    if (Object.is(left, right) || left === right) continue;
    const distance = Math.abs(left - right);
    const difference = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
    if (difference > largest.difference) largest = { difference, index };
  }
  return largest;
}

function scientific(value: number): string {
  return value === 0 ? "0" : value.toExponential(1);
}
