/** A range that holds the true value with about 95 % confidence. */
export type Interval = readonly [low: number, high: number];

/** 97.5 % quantile of the normal distribution. */
const Z = 1.959_963_985;

/** Resamples of a bootstrap: the ends of the interval are then stable to about a tenth of its width. */
const RESAMPLES = 2_000;

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The interval around the mean of scores: Wilson's where all are 0 or 1, else the percentiles of a bootstrap over
 * `uniform`, a source of numbers in 0 … 1. Without scores it is everything.
 */
export function interval(scores: readonly number[], uniform: () => number): Interval {
  if (scores.length === 0) return [0, 1];
  return scores.every((value) => value === 0 || value === 1)
    ? wilson(scores.filter((value) => value === 1).length, scores.length)
    : bootstrap(scores, uniform);
}

/** Source: Wilson 1927, as in Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion", (4). */
export function wilson(successes: number, count: number): Interval {
  const share = successes / count;
  const spread = Z * Z;
  const centre = (share + spread / (2 * count)) / (1 + spread / count);
  const half =
    (Z / (1 + spread / count)) *
    Math.sqrt((share * (1 - share)) / count + spread / (4 * count * count));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** The percentile interval of the mean. Source: Efron 1979. */
function bootstrap(scores: readonly number[], uniform: () => number): Interval {
  const means = resampledMeans(scores, uniform);
  return [quantile(means, 0.025), quantile(means, 0.975)];
}

/** From so many values on their mean is normal to far below what a report shows, and drawing each of them takes minutes. */
const MANY = 20_000;

/** Means of `RESAMPLES` samples of the same size, drawn from the values with replacement; of very many values, from the normal distribution that those follow. */
export function resampledMeans(
  values: readonly number[],
  uniform: () => number,
): readonly number[] {
  if (values.length > MANY) return normalMeans(values, uniform);
  return Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let draw = 0; draw < values.length; draw++)
      sum += values[Math.floor(uniform() * values.length)] ?? 0;
    return sum / values.length;
  });
}

/** By the central limit theorem. Source of the draws: Box and Muller 1958. */
function normalMeans(values: readonly number[], uniform: () => number): readonly number[] {
  const centre = mean(values);
  const variance = mean(values.map((value) => (value - centre) ** 2));
  const spread = Math.sqrt(variance / values.length);
  return Array.from({ length: RESAMPLES }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return centre + spread * radius * Math.cos(2 * Math.PI * uniform());
  });
}

/** The value below which a share of the values lies, between neighbours in proportion; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  return quantileOfSorted(
    values.toSorted((a, b) => a - b),
    share,
  );
}

/** The same of values that stand in their order. */
export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? 0;
  return below + (above - below) * (place - Math.floor(place));
}

/** An answer as far as trust in it goes. */
export interface Trusted {
  readonly confidence: number;
  readonly score: number;
  /** Whether it is not to be relied on, by its own word. */
  readonly abstained: boolean;
}

/** What the score would be if only the most confident answers were given. */
export interface RiskCoverage {
  readonly at: readonly { readonly coverage: number; readonly score: number }[];
  /** Of the answers that did not abstain: their share of all, and their score. */
  readonly answered: { readonly coverage: number; readonly score: number };
  /** Area under the risk-coverage curve: the mean risk over all coverages; smaller is better. */
  readonly aurc: number;
}

const COVERAGES: readonly number[] = [0.5, 0.8, 0.9, 1];

/** Scores of the most confident answers, 1, 2, … all of them, on average. Among equal confidences all orders count alike. */
export function coverageCurve(
  answers: readonly Pick<Trusted, "confidence" | "score">[],
): readonly number[] {
  const byConfidence = Map.groupBy(answers, ({ confidence }) => confidence);
  const ranked = [...byConfidence.entries()]
    .toSorted(([a], [b]) => b - a)
    .flatMap(([, tied]) => {
      const shared = mean(tied.map(({ score }) => score));
      return tied.map(() => shared);
    });
  let sum = 0;
  return ranked.map((score, index) => {
    sum += score;
    return sum / (index + 1);
  });
}

/** Tells the score of the best-trusted shares of answers. Source: Geifman, Uziel and El-Yaniv 2018, arXiv:1805.08206. */
export function riskCoverage(answers: readonly Trusted[]): RiskCoverage {
  const scores = coverageCurve(answers);
  return {
    at: COVERAGES.map((coverage) => ({
      coverage,
      score: scores[Math.max(1, Math.round(coverage * scores.length)) - 1] ?? 0,
    })),
    answered: answeredOf(answers),
    aurc: scores.length === 0 ? 0 : 1 - mean(scores),
  };
}

function answeredOf(answers: readonly Trusted[]): RiskCoverage["answered"] {
  const given = answers.filter(({ abstained }) => !abstained);
  const coverage = answers.length === 0 ? 0 : given.length / answers.length;
  return { coverage, score: mean(given.map(({ score }) => score)) };
}
