/**
 * How an answer is decoded.
 *   `exact`   every step computes everything, as the reference does
 *   `cached`  keys and values of the prompt are kept, and computed anew every so many steps; else the canvas alone is computed
 *   `fast`    as `cached`, anew as soon as half the canvas was written; a step writes more where more is clear
 */
export const answerModes = ["exact", "cached", "fast"] as const;

export type AnswerMode = (typeof answerModes)[number];

/** What a step writes: what the schedule has for it, or more. The numbers are `EntropyRule`'s. */
export type CommitTerms =
  | { readonly rule: "schedule" }
  | { readonly rule: "entropy"; readonly bound: number; readonly gaps: readonly number[] };

/** A mode with everything that it leaves open filled in: of two answers with equal terms, neither is decoded otherwise. */
export interface ModeTerms {
  readonly mode: AnswerMode;
  /** Steps after which the prompt is computed anew: always 1 in `exact`; in `fast` at the latest. */
  readonly refresh: number;
  readonly commit: CommitTerms;
}

/** How often a model's prompts are computed anew in mode `cached`, 1 ≤ standard ≤ limit. */
export interface RefreshRange {
  /** Where the request names none. */
  readonly standard: number;
  /** The most that may be asked for. */
  readonly limit: number;
}

/**
 * Where a model's card says nothing. At 4 LLaDA-V answers MathVista as it does at 1, from 8 on worse by one point in sixty and
 * more; 32 is the most that was tried. Source: Fast-dLLM, arXiv 2505.22618, table 10.
 */
export const UNTOLD_REFRESH: RefreshRange = { standard: 4, limit: 32 };

/** How requests are answered that name no mode. */
export const STANDARD_MODE: AnswerMode = "cached";

/**
 * The terms of mode `fast`. Source of the bound: EB-Sampler, arXiv 2505.24857; of the gaps, one for each third of the steps: Prophet,
 * arXiv 2508.19982, as its code has them; of the steps: ours, held to `exact` by the figures.
 */
const FAST: Omit<ModeTerms, "mode"> = {
  refresh: 8,
  commit: { rule: "entropy", bound: 0.1, gaps: [7.5, 5, 2.5] },
};

/** Fills in what a mode leaves open; `refresh` is of `cached` alone. */
export function modeTerms(mode: AnswerMode, refresh: number): ModeTerms {
  switch (mode) {
    case "exact":
      return { mode, refresh: 1, commit: { rule: "schedule" } };
    case "cached":
      return { mode, refresh, commit: { rule: "schedule" } };
    case "fast":
      return { mode, ...FAST };
    default:
      return mode satisfies never;
  }
}

/** How many positions must be written before mode `fast` computes the prompt anew: half the canvas. */
export function commitsToRefresh(canvas: number): number {
  return Math.ceil(canvas / 2);
}

/**
 * Says of each step whether its pass is planned to compute the prompt too. In `fast` that is the worst that can happen: at most once
 * is it computed anew because of what was written, since to do so twice takes the whole canvas; after the next step at the
 * earliest. However the answer goes, no step has seen more refreshes than are planned up to it.
 */
export function plannedRefreshes({ mode, refresh }: ModeTerms, steps: number): boolean[] {
  const every = (step: number): boolean => step % refresh === 0;
  return Array.from({ length: steps }, (_, step) =>
    mode === "fast" ? step === 0 || every(step - 1) : every(step),
  );
}
