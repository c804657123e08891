import type { AnswerMode } from "#domain/modes.ts";
import type { TestMessage, TestPicture } from "../files/test-question.ts";

/** What answers the questions of a test set: the API, an engine in this process, or somebody else's model. */
export interface Answerer extends AsyncDisposable {
  /** Where answers come from, for the report. */
  readonly name: string;
  /**
   * Answers one question. A question that cannot be answered is an outcome; whatever would befall every question (no key,
   * no credit, nobody there) rejects, and ends the evaluation.
   */
  answer(asked: AskedQuestion, signal: AbortSignal): Promise<Outcome>;
}

export interface AskedQuestion {
  readonly messages: readonly TestMessage[];
  readonly pictures: readonly TestPicture[];
  /** Positions to fill; of somebody else's model the most tokens. */
  readonly canvas: number;
  readonly steps: number;
  /** Absent: as it is answered that names none. */
  readonly mode: AnswerMode | undefined;
  readonly refresh: number | undefined;
  readonly blockLength: number | undefined;
  readonly stop: readonly string[];
  /** What the answer is read among, in place of being written; `canvas` and `steps` are 0 then. Absent: it is written. */
  readonly choices?: readonly string[];
}

export type Outcome = Answered | Unanswered;

export interface Answered {
  readonly kind: "answered";
  /** Of one that is read among choices the likeliest of them. */
  readonly answer: string;
  /** Whether its room ended before it did. */
  readonly isCut: boolean;
  /** 0 … 1; null where nobody says. */
  readonly confidence: number | null;
  /** Whether its picture is of the model's world; null where nobody says. */
  readonly inDomain: boolean | null;
  /** Whether it is not to be relied on. */
  readonly abstained: boolean;
  /** Steps that ran, and positions that their passes computed; 0 of a model that has neither. */
  readonly steps: number;
  readonly rows: number;
  /** Null where nobody says. */
  readonly chargedMicros: number | null;
  readonly modelDigest: string | null;
  /** Milliseconds of the attempt that was answered, without those before it and what lay between; absent where there was but one. */
  readonly ms?: number;
}

export interface Unanswered {
  /** `refused`: this question gets a no. `failed`: it got no reply that can be read, which says nothing about the model. */
  readonly kind: "refused" | "failed";
  readonly code: string;
}
