import type { AnswerOptions } from "./question.ts";

/** A token that could have been written where another was. */
export interface Alternative {
  readonly token: number;
  /** Its own text, as it stands alone; "" for one without, as the end of the answer. */
  readonly text: string;
  /** Probability that the model gave it beside the written one, 0 … 1. */
  readonly confidence: number;
}

/** One token of the canvas as it was committed. */
export interface CanvasToken {
  /** Position in the canvas, from 0. */
  readonly position: number;
  readonly token: number;
  /** What it adds to the text where it stands; a piece of a UTF-8 character may read as U+FFFD. */
  readonly text: string;
  /** Probability that the model gave it when it was committed, 0 … 1. */
  readonly confidence: number;
  /** Step that committed it, from 1. */
  readonly step: number;
  /** The likeliest others, likeliest first. Absent: nobody asked, or whoever made it tells none. Only in frames. */
  readonly alternatives?: readonly Alternative[];
}

/** What an answer reads as. */
export interface ReadAnswer {
  readonly answer: string;
  /** Geometric mean of the tokens' confidences; 0 for none. */
  readonly confidence: number;
  /** Those of the text, in its order; of the last one only what stands before a stop text. */
  readonly tokens: readonly CanvasToken[];
}

/** What shapes a text besides its tokens. */
export type TextTerms = Pick<AnswerOptions, "stop" | "suffix">;

/** An answer of which nothing is written. */
export const UNWRITTEN: ReadAnswer = { answer: "", confidence: 0, tokens: [] };

/**
 * Reads tokens, ascending by position, as an answer's text. Every text of an answer is made here: of its end, of a partial
 * or cancelled one, of one in the making. Pieces are put together as they are, white space included; where positions
 * between two of them are missing, a space keeps words apart. The text ends before the first stop text in it, wherever
 * tokens begin; the suffix follows, where there are tokens at all, and is not looked at for stops.
 */
export function readAnswer(
  tokens: readonly CanvasToken[],
  { stop, suffix = "" }: TextTerms,
): ReadAnswer {
  if (tokens.length === 0) return UNWRITTEN;
  const { text, starts } = joined(tokens);
  const end = stopIndex(text, stop);
  if (end === undefined) return { answer: text + suffix, confidence: confidenceOf(tokens), tokens };
  const kept = tokens
    .filter((_, index) => (starts[index] ?? 0) < end)
    .map((token, index) => ({ ...token, text: token.text.slice(0, end - (starts[index] ?? 0)) }));
  return { answer: text.slice(0, end) + suffix, confidence: confidenceOf(kept), tokens: kept };
}

/**
 * Returns where the first stop text begins in a text, undefined where none is in it. Half a surrogate pair is no text: such
 * a stop, and an empty one, ends nothing.
 */
export function stopIndex(text: string, stops: readonly string[], from = 0): number | undefined {
  const found = realStops(stops)
    .map((stop) => text.indexOf(stop, from))
    .filter((index) => index !== -1);
  return found.length === 0 ? undefined : Math.min(...found);
}

/** Returns how many units at the end of a text could still become the beginning of a stop text. */
export function heldBack(text: string, stops: readonly string[]): number {
  return Math.max(0, ...realStops(stops).map((stop) => overlap(text, stop)));
}

function realStops(stops: readonly string[]): readonly string[] {
  return stops.filter((stop) => stop !== "" && stop.isWellFormed());
}

/** The longest end of a text that is a beginning of the stop, and not all of it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(stop.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}

function joined(tokens: readonly CanvasToken[]): { text: string; starts: readonly number[] } {
  let text = "";
  let next = 0;
  let isGap = false;
  const starts = tokens.map(({ position, text: piece }) => {
    isGap ||= position > next && text !== "";
    next = position + 1;
    if (isGap && piece !== "") {
      const isApart = /\s$/u.test(text) || /^\s/u.test(piece);
      if (!isApart) text += " ";
      isGap = false;
    }
    const start = text.length;
    text += piece;
    return start;
  });
  return { text, starts };
}

/** Geometric mean: of tokens that are independent, each is on average as sure as this. 0 for none. */
function confidenceOf(tokens: readonly Pick<CanvasToken, "confidence">[]): number {
  if (tokens.length === 0) return 0;
  const logs = tokens.reduce((sum, { confidence }) => sum + Math.log(confidence), 0);
  return Math.exp(logs / tokens.length);
}
