import type { CommitReason } from "#domain/event.ts";
import { type Candidate, mostConfident } from "./confidence.ts";

/** Which of the positions that were looked at a step writes. */
export type CommitRule =
  /** The surest, as many as the schedule has for the step. Source: generate_with_embeds in modeling_llada.py. */
  | { readonly kind: "schedule" }
  | EntropyRule
  /**
   * All that are at least this sure, or the surest alone. Told by the reference's runs only, in as many steps as it takes; a service's
   * price needs a ceiling. Source: get_transfer_index in Fast-dLLM's generate.py.
   */
  | { readonly kind: "threshold"; readonly least: number }
  /** The same with a bound that rises with the number: 1 − factor / (n + 1) for the n-th surest. Source: Fast-dLLM's hook for LLaDA-V. */
  | { readonly kind: "factor"; readonly factor: number };

/**
 * What the schedule has, or more where the choice is clear: the positions of least entropy whose entropies, but for the largest,
 * sum to at most `bound` nats, since then their joint distribution is close to the product that they are drawn from. And everything
 * at once where the largest logit stands clear of the second, by the mean of `gaps[i]` in the i-th third of the steps.
 * Source: EB-Sampler, arXiv 2505.24857; Prophet, arXiv 2508.19982, and the defaults of pixeli99/Prophet.
 */
export interface EntropyRule {
  readonly kind: "entropy";
  readonly bound: number;
  /** Empty where nothing is to be answered early: at a temperature, the logits are not what decides. */
  readonly gaps: readonly number[];
  /** Ids that end an answer: how clear the text is does not hang on what would be written behind it. */
  readonly ends: readonly number[];
}

/** What a step is to choose among. */
export interface Choice {
  /** The masked positions that were looked at, ascending by position. */
  readonly candidates: readonly Candidate[];
  /** How many the schedule has for this step. */
  readonly planned: number;
  /** Share of the steps that have run before this one, 0 … 1. */
  readonly progress: number;
  /** Masked positions that the pass went over, those included that may not be written yet. */
  readonly maskedInWindow: number;
}

/** What is written, surest first, and why so much. */
export interface Commit {
  readonly chosen: readonly Candidate[];
  readonly reason: CommitReason;
}

/** Chooses what a step writes. */
export function chooseCommit(rule: CommitRule, choice: Choice): Commit {
  const { candidates, planned } = choice;
  switch (rule.kind) {
    case "schedule":
      return { chosen: mostConfident(candidates, planned), reason: "schedule" };
    case "entropy":
      return chooseByEntropy(rule, choice);
    case "threshold": {
      const chosen = mostConfident(candidates, planned).filter(
        ({ confidence }, index) => index === 0 || confidence >= rule.least,
      );
      return { chosen, reason: "schedule" };
    }
    case "factor": {
      const surestFirst = mostConfident(candidates, candidates.length);
      const count = factorCount(
        surestFirst.map(({ confidence }) => confidence),
        choice.maskedInWindow,
        rule.factor,
      );
      return { chosen: surestFirst.slice(0, count), reason: "schedule" };
    }
    default:
      return rule satisfies never;
  }
}

function chooseByEntropy(rule: EntropyRule, { candidates, planned, progress }: Choice): Commit {
  const early = clearAnswer(rule, candidates, progress);
  if (early !== undefined) return { chosen: mostConfident(early, early.length), reason: "early" };
  const clearestFirst = candidates.toSorted(
    (a, b) => a.entropy - b.entropy || a.position - b.position,
  );
  const count = boundedCount(
    clearestFirst.map(({ entropy }) => entropy),
    rule.bound,
  );
  return count > planned
    ? { chosen: clearestFirst.slice(0, count), reason: "entropy" }
    : { chosen: clearestFirst.slice(0, Math.max(planned, 1)), reason: "schedule" };
}

/** How many of ascending entropies, all but the last of them, sum to at most `bound`. */
function boundedCount(ascending: readonly number[], bound: number): number {
  let sum = 0;
  let count = 0;
  for (const entropy of ascending) {
    if (sum > bound) break;
    count += 1;
    sum += entropy;
  }
  return count;
}

/** The whole answer where it is clear by now: the candidates up to the first that would end it. */
function clearAnswer(
  { gaps, ends }: EntropyRule,
  candidates: readonly Candidate[],
  progress: number,
): readonly Candidate[] | undefined {
  const least = gaps[Math.min(Math.floor(progress * gaps.length), gaps.length - 1)];
  if (least === undefined || candidates.length === 0) return undefined;
  const end = candidates.findIndex(({ token }) => ends.includes(token));
  const answer = end === -1 ? candidates : candidates.slice(0, end + 1);
  const mean = answer.reduce((sum, { gap }) => sum + gap, 0) / answer.length;
  return mean >= least ? answer : undefined;
}

/**
 * How many of descending confidences the reference's factor rule takes, out of `masked` masks, of which those beyond the list may
 * not be written. The reference takes one more where it stops at the first or reaches the last, and so also both of two;
 * what it takes beyond the list would be written nowhere.
 *
 * Source: `_get_transfer_index` in fast_dllm_hook.py.
 */
export function factorCount(descending: readonly number[], masked: number, factor: number): number {
  let count = 0;
  while (count < masked - 1) {
    const least = count === 0 ? -1 : 1 - factor / (count + 2);
    if ((descending[count] ?? Number.NEGATIVE_INFINITY) < least) break;
    count += 1;
  }
  return count === 0 || count === masked - 1 ? count + 1 : count;
}
