import { createHash } from "node:crypto";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import type { AnswerMode } from "#domain/modes.ts";
import { UsageError } from "../command.ts";
import type { Outcome } from "./answering/answerer.ts";
import type { TestQuestion } from "./files/question-file.ts";
import { score } from "./scoring/metrics.ts";

/** One question at one number of steps, asked: a line of the results file. */
export interface Result {
  readonly id: string;
  readonly family: string;
  readonly metric: string;
  /** Identifies line and options: a result is used again only for the same of both. */
  readonly key: string;
  readonly canvas: number;
  /** Steps that were asked for. */
  readonly steps: number;
  /** Steps that ran; 0 where there was no answer. */
  readonly steps_run: number;
  /** Positions that its passes computed; 0 where there was no answer, or it was asked before they were counted. */
  readonly rows: number;
  /** Null where the question was refused, which scores 0. */
  readonly answer: string | null;
  /** Code of the refusal. */
  readonly error: string | null;
  readonly expected: readonly string[];
  readonly confidence: number;
  /** Whether its picture is of the model's world; null where nobody says, or it was asked before anybody could. */
  readonly in_domain: boolean | null;
  /** Whether the answer is not to be relied on; false where it was asked before anybody said so. */
  readonly abstained: boolean;
  readonly score: number;
  /** Milliseconds from question to answer. */
  readonly ms: number;
  readonly charged_micros: number;
  readonly model_digest: string | null;
}

/** A question with the options it is asked with. */
export interface Task {
  readonly question: TestQuestion;
  readonly canvas: number;
  readonly steps: number;
  readonly mode: AnswerMode | undefined;
  readonly refresh: number | undefined;
  readonly key: string;
}

/** How a question is asked; absent is the model's own. */
export type TaskOptions = Pick<Task, "canvas" | "steps" | "mode" | "refresh">;

/** Makes a task; `model` is what the caller asked for, empty for whichever is served. */
export function taskOf(question: TestQuestion, options: TaskOptions, model: string): Task {
  const { canvas, steps, mode, refresh } = options;
  const named = mode === undefined && refresh === undefined ? [] : [mode ?? "", refresh ?? 0];
  const identity = JSON.stringify([question.line, canvas, steps, model, ...named]);
  const key = createHash("sha256").update(identity).digest("hex").slice(0, 32);
  return { question, ...options, key };
}

/** Scores an outcome. */
export function resultOf(
  { question, canvas, steps, key }: Task,
  outcome: Outcome,
  ms: number,
): Result {
  const { id, family, metric, expected, choices } = question;
  const head = { id, family, metric, key, canvas, steps, expected, ms };
  return outcome.kind === "refused"
    ? {
        ...head,
        steps_run: 0,
        rows: 0,
        answer: null,
        error: outcome.code,
        confidence: 0,
        in_domain: null,
        abstained: false,
        score: 0,
        charged_micros: 0,
        model_digest: null,
      }
    : {
        ...head,
        steps_run: outcome.steps,
        rows: outcome.rows,
        answer: outcome.answer,
        error: null,
        confidence: outcome.confidence,
        in_domain: outcome.inDomain,
        abstained: outcome.abstained,
        score: score(metric, outcome.answer, expected, choices),
        charged_micros: outcome.chargedMicros,
        model_digest: outcome.modelDigest,
      };
}

/** Appends a line to a results file, so that whatever stops the evaluation keeps what was asked. */
export async function appendResult(file: string, result: Result): Promise<void> {
  await appendFile(file, `${JSON.stringify(result)}\n`);
}

/** Begins a results file. Throws UsageError where it would overwrite one. */
export async function beginResults(file: string): Promise<void> {
  await writeFile(file, "", { flag: "wx" }).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(
      cause.code === "EEXIST"
        ? `${file} is there already: --resume goes on with it`
        : `${file} cannot be written (${cause.code})`,
      { cause },
    );
  });
}

/** Takes off a last line that a crash cut off, so that the next one does not stand behind half of it. */
export async function mendResults(file: string): Promise<void> {
  const text = await textOf(file);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole !== text) await writeFile(file, whole);
}

/**
 * Reads a results file by key; a file that is not there holds none. A last line that a crash cut off is not read; refused
 * questions are left out, so that they are asked again. Throws UsageError where the file is another one.
 */
export async function readResults(file: string): Promise<Map<string, Result>> {
  const lines = (await textOf(file)).split("\n").slice(0, -1);
  const results = lines.map((line, index) => parseResult(line, `${file}, line ${index + 1}`));
  return new Map(
    results.filter(({ error }) => error === null).map((result) => [result.key, result]),
  );
}

async function textOf(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return "";
    throw cause;
  });
}

function parseResult(line: string, place: string): Result {
  try {
    const value: unknown = JSON.parse(line);
    if (isResult(value)) {
      const { rows = 0, in_domain = null, abstained = false } = value;
      return { ...value, rows, in_domain, abstained };
    }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new UsageError(`${place} is no result of unmask eval`);
}

function isResult(value: unknown): value is Result {
  if (typeof value !== "object" || value === null) return false;
  const fields: Partial<Record<keyof Result, unknown>> = value;
  return (
    typeof fields.key === "string" &&
    typeof fields.score === "number" &&
    typeof fields.confidence === "number" &&
    typeof fields.ms === "number"
  );
}
