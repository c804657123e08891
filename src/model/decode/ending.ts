import type { Canvas } from "./canvas.ts";

/** Where an answer ends, as far as its canvas is written. */
export interface EndFound {
  /** Canvas position from which on nothing need be written any more; undefined where no end was found. It never moves behind. */
  readonly stopAt: number | undefined;
  /** Canvas positions below this are final. */
  readonly stableUntil: number;
}

/**
 * Looks for the end of an answer after every step. It may be found while places before it are still masked: those are
 * filled afterwards, those behind it never.
 */
export type Ending = (canvas: Canvas) => EndFound;

/** Token sequences that end an answer before them. Empty ones end nothing. */
export type Stops = readonly (readonly number[])[];

/**
 * Ends an answer at sequences of token ids, as the reference does: once one was found, only the first of the list can move
 * the end forward.
 *
 * Source: the scan at the end of each step of generate_with_embeds.
 */
export function endAtIds(stops: Stops): Ending {
  return (canvas) => {
    const stopAt = scanStops(canvas, stops);
    return { stopAt, stableUntil: stableUntil(canvas, stopAt, stops) };
  };
}

function scanStops(canvas: Canvas, stops: Stops): number | undefined {
  let { stopAt } = canvas;
  for (const stop of stops) {
    const found = firstMatch(canvas, stop);
    if (found !== undefined && (stopAt === undefined || found < stopAt)) stopAt = found;
    if (stopAt !== undefined) return stopAt;
  }
  return undefined;
}

/** The canvas position below which everything is written and no stop can begin any more, whatever comes. */
function stableUntil(canvas: Canvas, stopAt: number | undefined, stops: Stops): number {
  const end = stopAt ?? canvas.length;
  const next = canvas.masked.indexOf(1, canvas.promptLength) - canvas.promptLength;
  if (next < 0 || next >= end) return end;
  const live = stopAt === undefined ? stops : stops.slice(0, 1);
  const longest = Math.max(0, ...live.map((stop) => stop.length));
  for (let start = Math.max(0, next - longest + 1); start < next; start++) {
    if (live.some((stop) => canMatchAt(canvas, stop, start))) return start;
  }
  return next;
}

function firstMatch(canvas: Canvas, stop: readonly number[]): number | undefined {
  for (let start = 0; stop.length > 0 && start + stop.length <= canvas.length; start++) {
    if (stop.every((token, index) => canvas.tokens[start + index] === token)) return start;
  }
  return undefined;
}

/** Says whether a stop could still come to stand at `start`: a masked place may become anything. */
function canMatchAt(canvas: Canvas, stop: readonly number[], start: number): boolean {
  if (start + stop.length > canvas.length) return false;
  return stop.every((token, index) => {
    const isOpen = canvas.masked[canvas.promptLength + start + index] === 1;
    return isOpen || canvas.tokens[start + index] === token;
  });
}
