import { createHash } from "node:crypto";
import type { AskedQuestion, Outcome } from "./answering/answerer.ts";
import type { Column } from "./columns.ts";
import type { TestQuestion } from "./files/test-question.ts";
import { type AnswerForm, formOf } from "./scoring/answer-form.ts";
import { score } from "./scoring/metrics.ts";

/** One question in one column, asked: a line of the results file. */
export interface Result {
  readonly id: string;
  /** Empty in files from before there were several. */
  readonly column: string;
  readonly family: string;
  readonly metric: string;
  /** Identifies question and options: a result is used again only for the same of both. */
  readonly key: string;
  /** Positions to fill; of a model of others the most tokens; 0 of choices that are read. */
  readonly canvas: number;
  /** Steps that were asked for; 0 of a model of others, and of choices that are read. */
  readonly steps: number;
  /** Steps that ran; 0 where there was no answer. */
  readonly steps_run: number;
  /** Positions that its passes computed; 0 where there was no answer, or it was asked before they were counted. */
  readonly rows: number;
  /** Null where the question was refused, which scores 0, or failed, which has no score. */
  readonly answer: string | null;
  /** Null where there is none. */
  readonly form: AnswerForm | null;
  /** Code of the refusal or failure. */
  readonly error: string | null;
  /** Whether it got no reply that can be read, which says nothing about the model. */
  readonly failed: boolean;
  readonly expected: readonly string[];
  /** Null where nobody says. */
  readonly confidence: number | null;
  /** Whether its picture is of the model's world; null where nobody says, or it was asked before anybody could. */
  readonly in_domain: boolean | null;
  /** Whether the answer is not to be relied on; false where it was asked before anybody said so. */
  readonly abstained: boolean;
  /** 0 … 1; null where it failed. */
  readonly score: number | null;
  /** Milliseconds from question to answer. */
  readonly ms: number;
  /** Null where nobody says. */
  readonly charged_micros: number | null;
  readonly model_digest: string | null;
}

/** What is kept of a result while others are asked: everything but its texts, which are in the file. */
export type Scored = Omit<Result, "answer" | "expected" | "metric" | "column" | "key">;

/** A question as it is asked in a column. */
export interface Task {
  readonly question: TestQuestion;
  /** Of the question in its test set, from 0. */
  readonly place: number;
  readonly column: string;
  readonly asked: AskedQuestion;
  readonly key: string;
}

/** How a question is asked, beside its own texts and pictures. */
export type TaskOptions = Omit<AskedQuestion, "pictures">;

/** Makes a task; `model` is what our own API was asked for, empty for whichever is served. */
export function taskOf(
  question: TestQuestion,
  place: number,
  column: Column,
  options: TaskOptions,
  model: string,
): Task {
  const { pictures, expected, choices, metric } = question;
  const who =
    column.kind === "own"
      ? [model]
      : [
          column.endpoint.url,
          column.endpoint.wire,
          column.endpoint.model,
          column.endpoint.asksLogprobs,
        ];
  const hash = createHash("sha256").update(
    JSON.stringify([who, options, expected, choices, metric]),
  );
  for (const picture of pictures)
    hash.update(picture.kind === "file" ? picture.path : picture.bytes);
  const key = hash.digest("hex").slice(0, 32);
  return { question, place, column: column.name, asked: { ...options, pictures }, key };
}

/** Scores an outcome. */
export function resultOf(
  { question, column, asked, key }: Task,
  outcome: Outcome,
  ms: number,
): Result {
  const { id, family, metric, expected, choices } = question;
  const { canvas } = asked;
  const head = { id, column, family, metric, key, canvas, steps: asked.steps, expected };
  if (outcome.kind !== "answered")
    return {
      ...head,
      ms,
      steps_run: 0,
      rows: 0,
      answer: null,
      form: null,
      error: outcome.code,
      failed: outcome.kind === "failed",
      confidence: 0,
      in_domain: null,
      abstained: false,
      score: outcome.kind === "failed" ? null : 0,
      charged_micros: 0,
      model_digest: null,
    };
  const scored = score(metric, outcome.answer, expected, choices);
  const { isCut } = outcome;
  return {
    ...head,
    ms: Math.round(outcome.ms ?? ms),
    steps_run: outcome.steps,
    rows: outcome.rows,
    answer: outcome.answer,
    form: formOf(outcome.answer, { metric, expected, choices, score: scored, isCut }),
    error: null,
    failed: false,
    confidence: outcome.confidence,
    in_domain: outcome.inDomain,
    abstained: outcome.abstained,
    score: scored,
    charged_micros: outcome.chargedMicros,
    model_digest: outcome.modelDigest,
  };
}

/** Leaves the texts of a result behind, and what its place and column say already. */
export function scoredOf(result: Result): Scored {
  const { answer: _a, expected: _e, metric: _m, column: _c, key: _k, ...scored } = result;
  return scored;
}
