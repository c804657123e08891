import type { ReadAnswer, TextTerms } from "./answer-text.ts";
import type { ReadField } from "./field-reading.ts";

/**
 * What a model's maker says of how far it can be trusted, and measured on pictures of its own: all of it may be absent, and then
 * nothing is said of it. It changes no token of any answer.
 */
export interface Trust {
  readonly domain?: Domain;
  readonly calibration?: Calibration;
  readonly abstention?: Abstention;
}

/** The world of a model: the pictures that it was trained for. */
export interface Domain {
  /** What they are, as one sentence for whoever asks. */
  readonly description: string;
  /** What it knows the names of, where they are few enough to list. */
  readonly things?: readonly string[];
  /** How to tell from a picture whether it is one of them; absent where nobody can. */
  readonly score?: DomainScore;
}

/**
 * A score of the picture alone, whatever is asked of it: bias + Σ weight · clamp((s − mean) / deviation, ±limit), over the numbers
 * `s` of the statistics of the vision tower's own features of the picture's first view. Above the threshold it is of the world.
 */
export interface DomainScore {
  readonly statistics: readonly Statistic[];
  /** One entry for each number that the statistics give, in their order; the same for deviation (above 0) and weight. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly weight: readonly number[];
  /** So many deviations from the mean is as far as a number counts, so that no single one decides. */
  readonly limit: number;
  readonly bias: number;
  readonly threshold: number;
}

/** Numbers out of features [positions, channels]: a cut of them, reduced along one axis or both, in that order. What is left of an axis gives a number each. */
export interface Statistic {
  /** From the first to the one before the second; absent: all. */
  readonly positions?: Span;
  readonly channels?: Span;
  readonly reduce: readonly Reduction[];
  /** The numbers become ln(number + log); absent: they stay as they are. */
  readonly log?: number;
}

export type Span = readonly [from: number, to: number];

/** `best`: mean of the `count` largest · `rank`: the rank-th largest, from 1 · `below`: share below the bound. */
export type Reduction = { readonly over: "positions" | "channels" } & (
  | { readonly by: "mean" | "deviation" }
  | { readonly by: "best"; readonly count: number }
  | { readonly by: "rank"; readonly rank: number }
  | { readonly by: "below"; readonly bound: number }
);

/**
 * How sure a model is to be right, out of how sure it says it is and, where it has a score, of how far inside of its world the picture
 * lies: 1 / (1 + exp(−(logit(confidence) / temperature + shift + weight · min(domain score, limit)))). One for all questions: of what
 * type a question is cannot be known without guessing. Source: Guo et al. 2017 (temperature), Platt 1999 (shift).
 */
export interface Calibration {
  readonly temperature: number;
  readonly shift: number;
  /** Absent: the picture's score decides only whether the picture is of the world. */
  readonly domain?: {
    /** Log-odds for each unit of the score above its threshold. Never below 0: a picture that is better known makes no answer less sure. */
    readonly weight: number;
    /** A score above this one counts as this one. */
    readonly limit: number;
  };
}

/** When an answer counts as none. */
export interface Abstention {
  /** What the model was trained to say where it has no answer, word for word. */
  readonly sentences: readonly string[];
  /** Calibrated confidence below which an answer is not to be relied on. */
  readonly below: number;
}

/** What an answer is judged by besides its picture; it goes where the answer goes. */
export type TrustTerms = Pick<Trust, "calibration" | "abstention">;

/** Why an answer counts as none: its picture is not of the model's world; the model says that it does not know; or it is not sure enough. */
export const abstentionReasons = ["out_of_domain", "unsure", "low_confidence"] as const;

/** One of `abstentionReasons`. */
export type AbstentionReason = (typeof abstentionReasons)[number];

/** An answer with what it is worth. */
export interface JudgedAnswer extends ReadAnswer {
  /** How likely it is right, as far as the model's maker measured that; 0 where the picture is out of the world, or the model says that it does not know. */
  readonly confidence: number;
  /** How far inside of the model's world its pictures are: 0 is the border, below it is outside. Of several the worst. Absent: nobody can say. */
  readonly domainScore?: number;
  /** Absent: it counts. */
  readonly abstention?: AbstentionReason;
  /** Of a question that names fields: all of them, in its order; `answer` is their values as JSON then, and there are no tokens. */
  readonly fields?: readonly ReadField[];
}

/** Log-odds of confidences nearer to 0 and 1 than this say nothing more. */
const NEAREST = 1e-6;

/** Judges an answer, whole or as it stands. The tokens keep the confidences that the model gave them. */
export function judge(
  read: ReadAnswer,
  { suffix = "" }: Pick<TextTerms, "suffix">,
  { calibration, abstention }: TrustTerms,
  domainScore: number | undefined,
): JudgedAnswer {
  const scored = domainScore === undefined ? read : { ...read, domainScore };
  if (domainScore !== undefined && domainScore < 0)
    return { ...scored, confidence: 0, abstention: "out_of_domain" };
  if (read.tokens.length === 0) return scored;
  const own = read.answer.slice(0, read.answer.length - suffix.length).trim();
  if (abstention?.sentences.includes(own) === true)
    return { ...scored, confidence: 0, abstention: "unsure" };
  const confidence = calibrated(read.confidence, calibration, domainScore);
  return abstention !== undefined && confidence < abstention.below
    ? { ...scored, confidence, abstention: "low_confidence" }
    : { ...scored, confidence };
}

/**
 * Returns what a confidence is worth; without a calibration itself.
 * @param domainScore as `judge` tells it; where nobody can say, the picture counts as one at the border
 */
export function calibrated(
  confidence: number,
  calibration: Calibration | undefined,
  domainScore = 0,
): number {
  if (calibration === undefined) return confidence;
  const inside = Math.min(Math.max(confidence, NEAREST), 1 - NEAREST);
  const logOdds = Math.log(inside / (1 - inside));
  const { temperature, shift, domain } = calibration;
  const known = domain === undefined ? 0 : domain.weight * Math.min(domainScore, domain.limit);
  return 1 / (1 + Math.exp(-(logOdds / temperature + shift + known)));
}
