import { type Interval, mean, quantile, resampledMeans } from "./statistics.ts";

/** What one question scored before and after, each 0 … 1. */
export interface ScoredPair {
  readonly before: number;
  readonly after: number;
}

/** How the same questions came off twice. */
export interface PairedComparison {
  /** At least one. */
  readonly pairs: number;
  /** Mean of after − before, −1 … 1. */
  readonly difference: number;
  /** 95 %, from resampling the questions. */
  readonly interval: Interval;
  /** Questions that scored less, and more. */
  readonly lost: number;
  readonly won: number;
  /**
   * How likely a loss as great as this is if both are equally good, 0 … 1: for scores of 0 and 1 the exact one-sided McNemar
   * test, for others the share of resamples without a loss.
   */
  readonly chance: number;
  /** How likely a difference as great as this is, in either direction, if both are equally good, 0 … 1. */
  readonly chance_either: number;
}

/** A loss that is less likely than this by accident is none. */
export const SIGNIFICANT = 0.05;

/**
 * Compares question by question, which tells what two intervals of their own cannot: most of what makes a question hard is the
 * same both times. Source: McNemar 1947; its exact form as in Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91.
 *
 * @param pairs at least one (RangeError otherwise)
 * @param uniform numbers in 0 … 1
 */
export function comparePairs(
  pairs: readonly ScoredPair[],
  uniform: () => number,
): PairedComparison {
  if (pairs.length === 0) throw new RangeError("no question has both scores");
  const differences = pairs.map(({ before, after }) => after - before);
  const lost = differences.filter((difference) => difference < 0).length;
  const won = differences.filter((difference) => difference > 0).length;
  const resampled = resampledMeans(differences, uniform);
  const isBinary = pairs.every((pair) => isWhole(pair.before) && isWhole(pair.after));
  const tail = (ofLoss: boolean): number =>
    isBinary ? upperTail(ofLoss ? lost : won, lost + won) : resampledTail(resampled, ofLoss);
  const chance = tail(true);
  return {
    pairs: pairs.length,
    difference: mean(differences),
    interval: [quantile(resampled, 0.025), quantile(resampled, 0.975)],
    lost,
    won,
    chance,
    chance_either: Math.min(1, 2 * Math.min(chance, tail(false))),
  };
}

/**
 * Corrects chances for there being several: the smallest times their number, and so on, never less than that of a smaller one.
 * Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
 */
export function holm(chances: readonly number[]): readonly number[] {
  const order = chances.map((_, index) => index).toSorted((a, b) => chanceAt(a) - chanceAt(b));
  function chanceAt(index: number): number {
    return chances[index] ?? 1;
  }
  const corrected = [...chances];
  let least = 0;
  for (const [rank, index] of order.entries()) {
    least = Math.max(least, Math.min(1, chanceAt(index) * (chances.length - rank)));
    corrected[index] = least;
  }
  return corrected;
}

function isWhole(score: number): boolean {
  return score === 0 || score === 1;
}

/** Never nothing: the sample itself is one of those that could have been drawn. Source: Davison and Hinkley 1997, (4.11). */
function resampledTail(resampled: readonly number[], ofLoss: boolean): number {
  const without = resampled.filter((difference) => (ofLoss ? difference >= 0 : difference <= 0));
  return (without.length + 1) / (resampled.length + 1);
}

/** P(X ≥ least) of so many throws of a fair coin. By logarithms: binomials of a thousand throws overflow. */
function upperTail(least: number, throws: number): number {
  let logBinomial = 0; // ln of throws over k
  let sum = 0;
  for (let k = 0; k <= throws; k++) {
    if (k > 0) logBinomial += Math.log((throws - k + 1) / k);
    if (k >= least) sum += Math.exp(logBinomial - throws * Math.LN2);
  }
  return Math.min(1, sum);
}
