/** What is said of a series of figures. */
export interface Trend {
  readonly isLevel: boolean;
  /** Mean of the first and of the last quarter of what was looked at. */
  readonly from: number;
  readonly to: number;
}

/** A rise of less is none that anybody would act on. */
const LEAST_RISE = 0.1;

/** z of 2.33: a series without a trend is said to rise in one of a hundred runs. */
const SURE = 2.33;

/**
 * Says whether a series has levelled off: over its second half it does not rise, or by less than a tenth. It rises where the
 * Mann-Kendall test, which asks only in how many pairs the later one is larger, says so with p < 0.01. Source: Kendall, Rank
 * Correlation Methods (1975), with the variance for ties left out, which makes it the more cautious.
 */
export function trendOf(series: readonly number[]): Trend {
  const half = series.slice(Math.floor(series.length / 2));
  const quarter = Math.max(1, Math.floor(half.length / 4));
  const [from, to] = [mean(half.slice(0, quarter)), mean(half.slice(-quarter))];
  const hasRisen = to - from > LEAST_RISE * Math.max(1, from);
  return { isLevel: !(hasRisen && kendallZ(half) > SURE), from, to };
}

function kendallZ(series: readonly number[]): number {
  let score = 0;
  for (const [place, value] of series.entries())
    for (const later of series.slice(place + 1)) score += Math.sign(later - value);
  const count = series.length;
  const deviation = Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  return deviation === 0 ? 0 : (score - Math.sign(score)) / deviation;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
