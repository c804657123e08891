import type { Predictions } from "../engine.ts";

/** A token that could be written: where, which, and how sure the model is of it. */
export interface Candidate {
  /** Position in the whole sequence. */
  readonly position: number;
  readonly token: number;
  /** 0 … 1. */
  readonly confidence: number;
}

/**
 * Returns the probability of the token chosen for a row, computed in double precision from the numbers that left the head.
 * Throws if they are not numbers: an overflow in the backend must never pass for a token nobody is sure of.
 *
 * Source: softmax in float64 over the suppressed, noise-free logits, in generate_with_embeds.
 */
export function confidenceOf(predictions: Predictions, row: number): number {
  const distance = predictions.chosenLogits[row]! - predictions.maxLogits[row]!;
  const confidence = Math.exp(distance) / (1 + predictions.tails[row]!);
  if (!(confidence >= 0)) {
    throw new Error(
      `the head gave no probability for row ${row} (token ${predictions.tokens[row]})`,
    );
  }
  return confidence;
}

/** Picks the `count` most confident candidates, surest first; among equals the lower position. Fewer if there are fewer. */
export function mostConfident(candidates: readonly Candidate[], count: number): Candidate[] {
  return candidates
    .toSorted((a, b) => b.confidence - a.confidence || a.position - b.position)
    .slice(0, count);
}
