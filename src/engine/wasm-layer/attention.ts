import type { LanguageTower } from "#domain/architecture.ts";
import type { Arena } from "./kernel.ts";
import { TILE_ROWS } from "./linear.ts";

/** A window of one sequence, and what it sees. Rows of query and mixed are [heads · d] wide; keys and values are [G, *, d]. */
export interface AttentionWork {
  /** Queries of all rows that ask, [rows, heads · d], and the first row and number of those that ask here. */
  readonly query: Float32Array;
  readonly firstQuery: number;
  readonly queries: number;
  readonly context: Stretch;
  readonly window: Stretch;
  /** What is added to the scores of each position of context and window. */
  readonly mask: Float32Array;
  /** Receives what the queries' rows mix, as `query`. */
  readonly mixed: Float32Array;
}

/** Positions whose keys and values lie in [G, stride, d]: so many of them from `first` on. */
export interface Stretch {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly first: number;
  readonly positions: number;
  readonly stride: number;
}

/**
 * Mixes the values that a window sees, one group of heads after another: what lies in the kernel's memory is one group's, 0.5 MB
 * for each 1,000 positions of an 8B, whatever is kept.
 */
export function attend(
  arena: Arena,
  { heads, keyValueHeads, headSize }: LanguageTower,
  work: AttentionWork,
): void {
  const perGroup = heads / keyValueHeads;
  const start = arena.end;
  const length = roundUp(work.context.positions + work.window.positions);
  const queries = roundUp(perGroup * work.queries);
  const areas = {
    query: arena.takeFloats(queries * headSize),
    keys: arena.takeFloats(length * headSize),
    values: arena.takeFloats(length * headSize),
    mask: arena.takeFloats(length),
    scores: arena.takeFloats(TILE_ROWS * length),
    target: arena.takeFloats(queries * headSize),
  };
  const mask = arena.floats(areas.mask, length).fill(Number.NEGATIVE_INFINITY);
  mask.set(work.mask);
  const query = arena.floats(areas.query, queries * headSize).fill(0);
  const target = arena.floats(areas.target, queries * headSize);
  for (let group = 0; group < keyValueHeads; group++) {
    fill(arena.floats(areas.keys, length * headSize), work, "keys", group, headSize);
    fill(arena.floats(areas.values, length * headSize), work, "values", group, headSize);
    const places = placesOf(work, heads * headSize, group * perGroup, perGroup, headSize);
    for (const [index, place] of places.entries()) {
      query.set(work.query.subarray(place, place + headSize), index * headSize);
    }
    arena.kernel.attend(
      ...([areas.query, areas.keys, areas.values, areas.mask, areas.scores, areas.target] as const),
      ...([queries, length, headSize, 1 / Math.sqrt(headSize)] as const),
    );
    for (const [index, place] of places.entries()) {
      work.mixed.set(target.subarray(index * headSize, (index + 1) * headSize), place);
    }
  }
  arena.release(start);
}

/** Where the vectors of a group's heads lie in the rows that ask: those of one head below one another. */
function placesOf(
  { firstQuery, queries }: AttentionWork,
  width: number,
  firstHead: number,
  heads: number,
  headSize: number,
): readonly number[] {
  return Array.from({ length: heads * queries }, (_, index) => {
    const head = firstHead + Math.floor(index / queries);
    return (firstQuery + (index % queries)) * width + head * headSize;
  });
}

/** One group's vectors of context and window, one behind the other, and zeros behind them. */
function fill(
  into: Float32Array,
  { context, window }: AttentionWork,
  part: "keys" | "values",
  group: number,
  headSize: number,
): void {
  let end = 0;
  for (const { [part]: data, first, positions, stride } of [context, window]) {
    const start = (group * stride + first) * headSize;
    into.set(data.subarray(start, start + positions * headSize), end);
    end += positions * headSize;
  }
  into.fill(0, end);
}

function roundUp(count: number): number {
  return Math.ceil(count / TILE_ROWS) * TILE_ROWS;
}
