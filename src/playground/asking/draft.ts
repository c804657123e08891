import type { Ask, AskMessage } from "#client/ask.ts";
import type { AnswerMode } from "#domain/modes.ts";
import type { TruncateRule } from "#domain/question.ts";
import { MAX_ALTERNATIVES } from "#wire/limits.ts";
import { fieldsBodyOf } from "../fields/fields-body.ts";
import type { FieldRow } from "../fields/rows.ts";
import type { Picture } from "../pictures/picture.ts";

/** What a person leaves to the model where it is null. */
export interface Options {
  readonly canvas: number | null;
  readonly steps: number | null;
  readonly blockLength: number | null;
  readonly mode: AnswerMode | null;
  readonly temperature: number | null;
  readonly seed: number | null;
  /** One text a line. */
  readonly stop: string;
  readonly deadlineMs: number | null;
}

export const defaultOptions: Options = {
  canvas: null,
  steps: null,
  blockLength: null,
  mode: null,
  temperature: null,
  seed: null,
  stop: "",
  deadlineMs: null,
};

/** How values are read. What is null is left to the API. */
export interface ReadingOptions {
  /** How likely a value has to be, 0 … 1; null: however likely it is. */
  readonly abstainBelow: number | null;
  /** The most passes that write what is written. */
  readonly passes: number | null;
  /** What becomes of a text that does not fit. */
  readonly onTruncate: TruncateRule | null;
}

export const usualReading: ReadingOptions = { abstainBelow: null, passes: null, onTruncate: null };

/** A question that was answered. */
export interface Turn {
  readonly question: string;
  readonly answer: string;
}

/** A question as it is being written. */
export interface Draft {
  readonly model: string | null;
  /** Whether the answer is to be words, or values that are read off the pictures. */
  readonly wants: "words" | "values";
  /** Beside values it says something about the pictures, and may be empty. */
  readonly question: string;
  readonly pictures: readonly Picture[];
  readonly options: Options;
  /** What was said before, oldest first. */
  readonly turns: readonly Turn[];
  /** The values, in their order. */
  readonly rows: readonly FieldRow[];
  readonly reading: ReadingOptions;
}

export const emptyDraft: Draft = {
  model: null,
  wants: "words",
  question: "",
  pictures: [],
  options: defaultOptions,
  turns: [],
  rows: [],
  reading: usualReading,
};

/** Whether a draft asks for nothing yet. */
export function isBlank({ wants, question, rows }: Draft): boolean {
  return wants === "values" ? rows.length === 0 : question.trim() === "";
}

/** The request that a draft stands for: the snippets show the same. */
export function askOf(draft: Draft): Ask {
  return draft.wants === "values" ? readOf(draft) : wordsOf(draft);
}

/** Of the options what is taken beside fields: the rest follows from them. */
function readOf({ model, question, pictures, options, rows, reading }: Draft): Ask {
  const { abstainBelow, passes, onTruncate } = reading;
  const { mode, deadlineMs } = options;
  const context = question.trim();
  return {
    ...(model === null ? {} : { model }),
    ...(context === "" ? {} : { question: context }),
    fields: fieldsBodyOf(rows),
    ...(abstainBelow === null ? {} : { abstain_below: abstainBelow }),
    ...(passes === null ? {} : { passes }),
    ...(onTruncate === null ? {} : { on_truncate: onTruncate }),
    ...(pictures.length === 0 ? {} : { images: pictures.map(({ source }) => source) }),
    ...(mode === null ? {} : { mode }),
    ...(deadlineMs === null ? {} : { deadline_ms: deadlineMs }),
  };
}

function wordsOf({ model, question, pictures, options, turns }: Draft): Ask {
  const { canvas, steps, blockLength, mode, temperature, seed, deadlineMs } = options;
  const stop = stopsOf(options);
  return {
    ...(model === null ? {} : { model }),
    ...said(question.trim(), turns),
    ...(pictures.length === 0 ? {} : { images: pictures.map(({ source }) => source) }),
    ...(canvas === null ? {} : { canvas }),
    ...(steps === null ? {} : { steps }),
    ...(blockLength === null ? {} : { block_length: blockLength }),
    ...(mode === null ? {} : { mode }),
    ...(temperature === null ? {} : { temperature }),
    ...(seed === null ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop }),
    ...(deadlineMs === null ? {} : { deadline_ms: deadlineMs }),
  };
}

/** As the page itself asks: it shows what else each place could have said. The answer, its digest and its price are the same. */
export function watchedAskOf(draft: Draft): Ask {
  const ask = askOf(draft);
  return draft.wants === "values" ? ask : { ...ask, alternatives: MAX_ALTERNATIVES };
}

/** Texts before which the answer ends. */
export function stopsOf({ stop }: Options): readonly string[] {
  return stop.split("\n").filter((line) => line !== "");
}

function said(question: string, turns: readonly Turn[]): Pick<Ask, "question" | "messages"> {
  if (turns.length === 0) return { question };
  const messages: AskMessage[] = turns.flatMap((turn) => [
    { role: "user" as const, content: turn.question },
    { role: "assistant" as const, content: turn.answer },
  ]);
  return { messages: [...messages, { role: "user", content: question }] };
}
