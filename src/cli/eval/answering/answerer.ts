import type { AnswerMode } from "#domain/modes.ts";
import type { TestMessage, TestPicture } from "../files/question-file.ts";

/** What answers the questions of a test set: the API, or an engine in this process. */
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
  readonly canvas: number;
  readonly steps: number;
  /** Absent: as it is answered that names none. */
  readonly mode: AnswerMode | undefined;
  readonly refresh: number | undefined;
}

export type Outcome =
  | {
      readonly kind: "answered";
      readonly answer: string;
      /** 0 … 1. */
      readonly confidence: number;
      /** Whether its picture is of the model's world; null where nobody says. */
      readonly inDomain: boolean | null;
      /** Whether it is not to be relied on. */
      readonly abstained: boolean;
      /** Steps that ran, and positions that their passes computed. */
      readonly steps: number;
      readonly rows: number;
      readonly chargedMicros: number;
      readonly modelDigest: string | null;
    }
  | { readonly kind: "refused"; readonly code: string };
