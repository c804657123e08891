import type { Predictions } from "../engine.ts";

/** A token that could be written: where, which, and how sure the model is of it. */
export interface Candidate {
  /** Position in the whole sequence. */
  readonly position: number;
  readonly token: number;
  /** 0 … 1. */
  readonly confidence: number;
  /** Of the distribution over all tokens, in nats. */
  readonly entropy: number;
  /** From the largest logit to the second. */
  readonly gap: number;
  /** The likeliest others, where the plan tells any. */
  readonly others?: readonly OtherToken[];
}

/** The network's numbers are infinite or not numbers at all: nothing that it computes can be trusted any more. */
export class LogitsError extends Error {
  override readonly name = "LogitsError";
}

/**
 * Returns the probability of the token chosen for a row, computed in double precision from the numbers that left the head.
 * Throws LogitsError where they are not finite: an overflow in the backend must never pass for a token nobody is sure of.
 *
 * Source: softmax in float64 over the suppressed, noise-free logits, in generate_with_embeds.
 */
export function confidenceOf(predictions: Predictions, row: number): number {
  const chosen = predictions.chosenLogits[row]!;
  const max = predictions.maxLogits[row]!;
  const tail = predictions.tails[row]!;
  if (![chosen, max, tail].every(Number.isFinite))
    throw new LogitsError(
      `the head gave no probability for row ${row} (token ${predictions.tokens[row]}): logit ${chosen}, largest ${max}, tail ${tail}`,
    );
  return Math.exp(chosen - max) / (1 + tail);
}

/** A token that could have been chosen for a row, and its probability, 0 … 1. */
export interface OtherToken {
  readonly token: number;
  readonly confidence: number;
}

/**
 * Lists the likeliest tokens of a row beside the chosen one, likeliest first: at most `count`, fewer where fewer may be chosen. The pass
 * must have asked for one more (`ForwardPass.best`), since the chosen one is among them unless noise has chosen.
 */
export function othersOf(predictions: Predictions, row: number, count: number): OtherToken[] {
  const { best, tokens, maxLogits, tails } = predictions;
  if (best === undefined) throw new RangeError("the pass asked for no likeliest tokens");
  const others: OtherToken[] = [];
  for (let at = row * best.count; at < (row + 1) * best.count; at++) {
    const [token, logit] = [best.tokensRN[at]!, best.logitsRN[at]!];
    if (token === tokens[row] || logit === Number.NEGATIVE_INFINITY) continue;
    others.push({ token, confidence: Math.exp(logit - maxLogits[row]!) / (1 + tails[row]!) });
  }
  return others.slice(0, count);
}

/**
 * Returns the natural logarithm of the probability of a token whose logit left the head (`ForwardPass.asked`, `best`), over all columns that
 * its row may choose; −∞ of one that it may not. Throws LogitsError where the row's own numbers are not finite.
 */
export function logProbOf(predictions: Predictions, row: number, logit: number): number {
  const max = predictions.maxLogits[row]!;
  const tail = predictions.tails[row]!;
  if (!Number.isFinite(max) || !Number.isFinite(tail) || !(logit <= max))
    throw new LogitsError(`row ${row}: logit ${logit}, largest ${max}, tail ${tail}`);
  return logit - max - Math.log1p(tail);
}

/** Returns the entropy in nats of a row's distribution, without noise; its numbers are finite where `confidenceOf` has not thrown. */
export function entropyOf(predictions: Predictions, row: number): number {
  const tail = predictions.tails[row]!;
  return Math.max(0, Math.log1p(tail) - predictions.slopes[row]! / (1 + tail));
}

/** Returns how far a row's largest logit stands above its second. */
export function gapOf(predictions: Predictions, row: number): number {
  return predictions.maxLogits[row]! - predictions.runnerUpLogits[row]!;
}

/** Picks the `count` most confident candidates, surest first; among equals the lower position. Fewer if there are fewer. */
export function mostConfident(candidates: readonly Candidate[], count: number): Candidate[] {
  return candidates
    .toSorted((a, b) => b.confidence - a.confidence || a.position - b.position)
    .slice(0, count);
}
