import type { Canvas } from "./canvas.ts";
import type { DecodePolicy } from "./policy.ts";

/** Token sequences that end an answer before them. Empty ones end nothing. */
export type Stops = readonly (readonly number[])[];

/**
 * Looks for the place where the answer ends, as far as the canvas is written, and keeps it in the canvas.
 * A stop that was found can only move forward. It may be found while places before it are still masked: those are filled
 * afterwards, those behind it never.
 *
 * Source: the scan at the end of each step of generate_with_embeds.
 */
export function scanStops(canvas: Canvas, stops: Stops, policy: DecodePolicy): void {
  for (const stop of stops) {
    const found = firstMatch(canvas, stop);
    if (found !== undefined && (canvas.stopAt === undefined || found < canvas.stopAt)) {
      canvas.stopAt = found;
    }
    if (canvas.stopAt !== undefined && policy.onlyFirstStopMoves) return;
  }
}

/**
 * Returns the canvas position below which everything is written and no stop can begin any more, whatever comes.
 * Text up to there may be shown as final.
 */
export function stableUntil(canvas: Canvas, stops: Stops, policy: DecodePolicy): number {
  const end = canvas.stopAt ?? canvas.length;
  const next = canvas.masked.indexOf(1, canvas.promptLength) - canvas.promptLength;
  if (next < 0 || next >= end) return end;
  const live = canvas.stopAt !== undefined && policy.onlyFirstStopMoves ? stops.slice(0, 1) : stops;
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
