import { heldBack, stopIndex } from "#domain/answer-text.ts";
import { BROKEN, createPieceReader, type PieceTools } from "./detokenizer.ts";

/** What is known of an answer's text while its canvas is being written. */
export interface CanvasReading {
  /** What each position adds to the text as its neighbours stand; undefined where nothing is written. */
  readonly pieces: readonly (string | undefined)[];
  /** Position of the first end of the turn. */
  readonly turnEnd: number | undefined;
  /** Position from which on nothing need be written any more: the end of the turn, or of the token in which a stop text begins. */
  readonly stopAt: number | undefined;
  /** The text of the positions below this is final: it neither changes nor is cut off, whatever comes. */
  readonly stableUntil: number;
  /** Whether it is certain that the model's own text has at least one token, even if a stop text leaves nothing of it. */
  readonly hasText: boolean;
}

export type CanvasReader = (tokens: ArrayLike<number>) => CanvasReading;

/**
 * Makes a reader that finds where an answer ends, in its text: before the first stop text, wherever tokens begin, or at
 * the end of the turn. A stop text may be found behind places that are still to be written; those can only move the end
 * forward, because characters that stand whole between two holes stay what they are.
 */
export function createCanvasReader(tools: PieceTools, stops: readonly string[]): CanvasReader {
  const piecesOf = createPieceReader(tools);
  return (tokens) => {
    const pieces = piecesOf(tokens);
    const found = Array.from(tokens).findIndex((id) => tools.ends.includes(id));
    const turnEnd = found === -1 ? undefined : found;
    const end = turnEnd ?? pieces.length;
    const runs = runsOf(pieces, end);
    const stopAt = firstStop(runs, end, stops) ?? turnEnd;
    const head = runs[0]?.from === 0 ? runs[0] : { from: 0, to: 0, text: "", starts: [] };
    return {
      pieces,
      turnEnd,
      stopAt,
      stableUntil: stableUntil(head, end, stops),
      hasText: head.text !== "",
    };
  };
}

/** Written positions in a row. */
interface Run {
  readonly from: number;
  /** The first position that does not belong to it. */
  readonly to: number;
  readonly text: string;
  /** Where in the text each position's piece begins. */
  readonly starts: readonly number[];
}

function runsOf(pieces: readonly (string | undefined)[], end: number): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < end; from++) {
    let to = from;
    let text = "";
    const starts: number[] = [];
    for (let piece = pieces[to]; to < end && piece !== undefined; piece = pieces[++to]) {
      starts.push(text.length);
      text += piece;
    }
    if (to > from) runs.push({ from, to, text, starts });
    from = to;
  }
  return runs;
}

/** A broken character beside a hole may still become a whole one: no stop is looked for in it. */
function firstStop(
  runs: readonly Run[],
  end: number,
  stops: readonly string[],
): number | undefined {
  for (const { from, to, text, starts } of runs) {
    const open = from === 0 ? 0 : leadingBroken(text);
    const index = stopIndex(to === end ? text : withoutBrokenEnd(text), stops, open);
    if (index === undefined) continue;
    const place = starts.findLastIndex((start) => start <= index);
    return from + place + (starts[place] === index ? 0 : 1);
  }
  return undefined;
}

function stableUntil(head: Run, end: number, stops: readonly string[]): number {
  const sure = head.to === end ? head.text : withoutBrokenEnd(head.text);
  const stop = stopIndex(sure, stops);
  if (stop !== undefined) return wholePieces(head, stop);
  return head.to === end ? end : wholePieces(head, sure.length - heldBack(sure, stops));
}

/** How many pieces of a run stand wholly before a place in its text. */
function wholePieces({ text, starts }: Run, limit: number): number {
  const first = starts.findIndex(
    (start, index) => start >= limit || (starts[index + 1] ?? text.length) > limit,
  );
  return first === -1 ? starts.length : first;
}

function leadingBroken(text: string): number {
  return /^\uFFFD*/.exec(text)?.[0].length ?? 0;
}

/** At most one character is unfinished at an end. */
function withoutBrokenEnd(text: string): string {
  return text.endsWith(BROKEN) ? text.slice(0, -1) : text;
}
