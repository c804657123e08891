import type { ImagePolicy, ViewRules } from "./architecture.ts";
import { type ImageLayout, imageLayouts, layoutVectorCount, type Size } from "./image/layout.ts";
import { plannedRefreshes } from "./modes.ts";
import type { AnswerOptions } from "./question.ts";
import type { ReadPlan } from "./reading/read-plan.ts";
import { utf8Length } from "./utf8-length.ts";

/** How a model looks at pictures, as far as their number of vectors depends on it. */
export interface ImageRules {
  readonly policy: ImagePolicy;
  readonly vision: ViewRules;
}

/** What is asked, as far as the work of answering depends on it. */
export interface AskedWork {
  /** Pixels of each picture once its EXIF orientation is applied. */
  readonly pictures: readonly Size[];
  /** Messages of the conversation, at least 1. */
  readonly messages: number;
  /** UTF-8 bytes of all messages and the suffix: at least as many as their tokens. */
  readonly textBytes: number;
  readonly options: AnswerOptions;
}

/** The work of an answer, known before any of it is done. */
export interface PlannedWork {
  /** Views that pass through the vision tower. */
  readonly views: number;
  readonly imageVectors: number;
  readonly canvas: number;
  readonly steps: number;
  /** S, positions of a whole pass: image vectors + text bytes + template + canvas. */
  readonly positions: number;
  /** Positions that each planned pass computes, in the order of the passes: all of them, or those behind the prompt. */
  readonly passRows: readonly number[];
  /** Passes that compute the prompt too. Absent: those that compute all positions; a reading has prompts of several lengths. */
  readonly refreshes?: number;
}

/** Positions that the chat template and a short system message take around what is asked in one message. */
export const TEMPLATE_POSITIONS = 64;

/**
 * Positions that the chat template takes around each further message: three special tokens, and byte for byte, as any
 * tokenizer may at worst, the nine of "assistant" and two line breaks.
 */
export const MESSAGE_POSITIONS = 14;

/** Plans the work of an answer. Throws RangeError where pictures are asked of a model that has no rules for them. */
export function planWork(asked: AskedWork, rules: ImageRules | null): PlannedWork {
  const { canvas, steps, detail, suffix = "" } = asked.options;
  const layouts = layoutsOf(asked.pictures, rules, detail);
  const imageVectors = sum(layouts.map(layoutVectorCount));
  const template = TEMPLATE_POSITIONS + (asked.messages - 1) * MESSAGE_POSITIONS;
  const positions = imageVectors + asked.textBytes + template + canvas;
  const window = canvas + utf8Length(suffix);
  return {
    views: sum(layouts.map(viewCount)),
    imageVectors,
    canvas,
    steps,
    positions,
    passRows: plannedRefreshes(asked.options, steps).map((isWhole) =>
      isWhole ? positions : window,
    ),
  };
}

/**
 * Plans the work of reading fields: all its canvases, each behind a prompt of its own over the same pictures, which are encoded once.
 * `asked.textBytes` are those of the messages; canvas and steps are the plan's.
 */
export function planReading(
  asked: AskedWork,
  { canvas, passes, reads }: ReadPlan,
  rules: ImageRules | null,
): PlannedWork {
  const options = { ...asked.options, canvas, steps: passes };
  const planned = reads.map((read) => {
    const textBytes = asked.textBytes + read.questionBytes;
    const { positions } = planWork(
      { ...asked, textBytes, options: { ...options, canvas: read.canvas, steps: 1 } },
      rules,
    );
    const isWhole = [
      ...new Array<boolean>(read.closed).fill(true),
      ...read.fills.flatMap((fill) => plannedRefreshes(options, fill)),
    ];
    return { positions, isWhole, rows: isWhole.map((whole) => (whole ? positions : read.canvas)) };
  });
  return {
    ...planWork({ ...asked, options }, rules),
    positions: Math.max(...planned.map(({ positions }) => positions)),
    passRows: planned.flatMap(({ rows }) => rows),
    refreshes: planned.flatMap(({ isWhole }) => isWhole.filter((whole) => whole)).length,
  };
}

/** Counts the UTF-8 bytes of everything that is read as text: the messages and the suffix. */
export function textBytes(texts: readonly string[], suffix: string | undefined): number {
  return sum([...texts, suffix ?? ""].map(utf8Length));
}

function layoutsOf(
  pictures: readonly Size[],
  rules: ImageRules | null,
  detail: AnswerOptions["detail"],
): ImageLayout[] {
  if (pictures.length === 0) return [];
  if (rules === null) throw new RangeError("this model has no rules for pictures");
  return imageLayouts(pictures, rules.policy, rules.vision, detail);
}

function viewCount(layout: ImageLayout): number {
  return layout.kind === "single" ? 1 : 1 + layout.tiles.width * layout.tiles.height;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
