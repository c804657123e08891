/** What options are worth beside each other. */
export interface Distribution {
  /** One per option, summing to 1. */
  readonly probabilities: readonly number[];
  /** Index of the likeliest, the first of equals. */
  readonly best: number;
  /** 1 − H / ln K: 1 is certain, 0 is no idea; 1 of a single option. Source: Jev's `confidence`. */
  readonly confidence: number;
}

/** What a score is corrected by before it is compared. */
export interface Correction {
  /** The same scores with a neutral picture: what the words are worth without looking. Absent: none are taken off. */
  readonly bias?: readonly number[];
  /** Above 1 makes less sure, above 0. */
  readonly temperature?: number;
}

/**
 * Compares options by their scores: softmax of (S − B) / T. They must have been read under the same template, or the numbers do not
 * belong to one distribution. Source of B: contextual calibration, Zhao et al. 2021; of T: Guo et al. 2017.
 *
 * @param scores [K] natural logarithms, K ≥ 1
 */
export function distribution(
  scores: readonly number[],
  { bias, temperature = 1 }: Correction = {},
): Distribution {
  const corrected = scores.map((score, index) => (score - (bias?.[index] ?? 0)) / temperature);
  const best = corrected.reduce((top, score, index) => (score > corrected[top]! ? index : top), 0);
  const weights = corrected.map((score) => Math.exp(score - corrected[best]!));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const probabilities = weights.map((weight) => weight / sum);
  return { probabilities, best, confidence: certainty(probabilities) };
}

/** 1 − H / ln K of a distribution. */
export function certainty(probabilities: readonly number[]): number {
  if (probabilities.length === 1) return 1;
  const entropy = probabilities.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
  return Math.min(1, Math.max(0, 1 - entropy / Math.log(probabilities.length)));
}

/**
 * Joins the distributions of chunks of options with that of the chunks' winners: p(option) = p(its chunk's winner) · p(option in its
 * chunk). It sums to 1 as they do.
 */
export function joinChunks(chunks: readonly Distribution[], winners: Distribution): Distribution {
  const probabilities = chunks.flatMap((chunk, index) =>
    chunk.probabilities.map((p) => p * winners.probabilities[index]!),
  );
  const best = probabilities.reduce((top, p, index) => (p > probabilities[top]! ? index : top), 0);
  return { probabilities, best, confidence: certainty(probabilities) };
}

/** What float32 logits tell of a rest; less than that is none. */
const LEAST_REST = 1e-6;

/** Natural logarithm of the probability that options leave, which exclude one another. */
export function logRest(scores: readonly number[]): number {
  return Math.log(Math.max(LEAST_REST, 1 - labelMass(scores)));
}

/**
 * Share of the whole vocabulary's probability that the options have at their slot: near 0 says that the model would rather have
 * written something else. Only of options of one canvas, which exclude one another.
 */
export function labelMass(scores: readonly number[]): number {
  const mass = scores.reduce((sum, score) => sum + Math.exp(score), 0);
  return Math.min(1, mass); // float32 logarithms may sum to a little more
}
