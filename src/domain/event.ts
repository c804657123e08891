import type { CanvasToken } from "./answer-text.ts";
import type { Failure } from "./failure.ts";
import type { ReadField } from "./field-reading.ts";
import type { NumericsText } from "./numerics.ts";
import type { Usage } from "./question.ts";
import type { JudgedAnswer, TrustTerms } from "./trust.ts";

/** What happens to a question, in order: started, a frame per step, then completed, partial or failed. Stream and webhooks use these names. */
export type AnswerEvent =
  | AnswerStarted
  | AnswerFrame
  | AnswerCompleted
  | AnswerPartial
  | AnswerFailed;

/** What comes of an answer as it is made: what its function tells, or the answer whose work it takes part in, which may begin anew. */
export type MadeEvent = AnswerEvent | AnswerRestarted;

export interface AnswerStarted {
  readonly kind: "answer.started";
  /** Class of the arithmetic that makes it. Absent: a function of before, which says none. */
  readonly numerics?: NumericsText;
  /**
   * How often its making had been begun before, by functions that took it and died; absent: never. Each may have been told,
   * before it was kept, so that who comes back may have heard another beginning than this.
   */
  readonly restarts?: number;
  readonly imageVectors: number;
  /** As in `Usage`. */
  readonly cachedImageVectors?: number;
  readonly promptLength: number;
  readonly canvas: number;
  readonly steps: number;
  /** What the answer is judged by as it stands. Absent: its model's maker says nothing of that, or its function is of before. */
  readonly trust?: TrustTerms;
}

/**
 * What a caller is told where an answer begins anew: every function of the class that began it is gone, and one of another
 * class may choose otherwise. What was told before is none of the answer any more; frames follow from the first step on.
 */
export interface AnswerRestarted extends Omit<AnswerStarted, "kind" | "restarts"> {
  readonly kind: "answer.restarted";
  /** As of its start, from 1: it rises with each beginning, by more than one where one came to nothing. */
  readonly restarts: number;
  /** Class that had begun it; null where its function said none. */
  readonly previousNumerics: NumericsText | null;
  /** Which weights make it now. */
  readonly modelDigest: string;
}

/** What an answer began with, the last time. */
export type AnswerBeginning = AnswerStarted | AnswerRestarted;

/** How often the making of an answer had been begun before. */
export function restartsOf(beginning: AnswerBeginning | null): number {
  return beginning?.restarts ?? 0;
}

/** Places of one making in an answer's stream. More than any canvas has steps. */
export const PLACES_A_MAKING = 1000;

/** Where a step stands in an answer's stream: rises over restarts too, so that who comes back says with it what was heard. A beginning is step 0. */
export function placeInStream(restarts: number, step: number): number {
  return restarts * PLACES_A_MAKING + step;
}

/**
 * Why a step wrote as much as it did: as its schedule has it; more, because so many positions were clear (`entropy`); everything
 * that was left, because the whole answer was (`early`).
 */
export const commitReasons = ["schedule", "entropy", "early"] as const;

export type CommitReason = (typeof commitReasons)[number];

/** One step. Where fields are read it is one pass, and tokens are told of none: what a canvas says is in its fields. */
export interface AnswerFrame {
  readonly kind: "answer.frame";
  /** From 1. */
  readonly step: number;
  /** Why it committed as much as it did. Absent in what an earlier version stored, which knew the schedule alone. */
  readonly reason?: CommitReason;
  /** Whether its pass computed the prompt too, and how many positions it computed. Absent in what an earlier version stored: everything. */
  readonly refreshed?: boolean;
  readonly rows?: number;
  /** What this step committed. Callers are told no token before `hasText`, and then all of them at once (`told-frames.ts`). */
  readonly revealed: readonly CanvasToken[];
  /** Earlier tokens whose text is another one beside what this step committed: pieces of a UTF-8 character that is whole now. */
  readonly revised?: readonly Pick<CanvasToken, "position" | "text">[];
  /** The text of the canvas positions below this is final: it can neither change nor be cut off. */
  readonly stableUntil: number;
  /** Canvas position of the end of the turn, once there is one: what stands behind it is no part of the answer. */
  readonly turnEnd?: number;
  /** True from the step on at which it is certain that the model's own text has at least one token. */
  readonly hasText?: boolean;
  /** Of the first frame: how far inside of the model's world the pictures are (`JudgedAnswer`). */
  readonly domainScore?: number;
  /** Fields that are known with this step, and stay so. Absent: none. */
  readonly fields?: readonly ReadField[];
}

export interface AnswerCompleted extends JudgedAnswer {
  readonly kind: "answer.completed";
  readonly usage: Usage;
  /** Replay digest: lower-case hex SHA-256 of all that determined the answer and of its tokens (`replay-digest.ts`). */
  readonly digest: string;
  /** Version of the decoder that made it: only answers of one version can be held to each other. */
  readonly decoder: string;
}

/** The canvas as it stood when the deadline came: committed tokens, and the last pass's best guess for every other position. */
export interface AnswerPartial extends JudgedAnswer {
  readonly kind: "answer.partial";
  readonly usage: Usage;
}

export interface AnswerFailed {
  readonly kind: "answer.failed";
  readonly failure: Failure;
}
