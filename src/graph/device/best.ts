import { createGraph } from "../build.ts";
import type { OpProfile } from "../profile.ts";
import { DEVICE_NEVER, isAt, rowSearch } from "./row-search.ts";

// Graphs without weights, for what is asked of the head's logits beside its six numbers a row. They have sessions of their own, so
// that a pass that asks nothing runs nothing of them, and the logits stay with the device between the two.

/** How many of each row's largest one run of `bestGraph` finds. Who watches asks for four: a token and three beside it. */
export const BEST_AT_ONCE = 4;

/** Takes single logits: allowed [R, V] and places [K] int32, r V + v each → askedLogits [K]. */
export function askedGraph(columns: number): Uint8Array<ArrayBuffer> {
  const graph = createGraph("asked");
  const allowed = graph.input("allowed", "FLOAT", ["R", columns]);
  const places = graph.input("places", "INT32", ["K"]);
  const inOneRow = graph.node("Reshape", [allowed, graph.integers([-1])]);
  graph.output("askedLogits", graph.node("Gather", [inOneRow, places]), "FLOAT", ["K"]);
  return graph.toBytes();
}

/**
 * Finds the largest of each row, one after another, in ties the lowest place.
 *
 *   in   allowed [R, V]
 *   out  best [R, 2 · BEST_AT_ONCE], place and logit of each in turn; at or below half of DEVICE_NEVER there are no more
 *        rest [R, V], the same without them, for the next run
 */
export function bestGraph(columns: number, profile: OpProfile): Uint8Array<ArrayBuffer> {
  const graph = createGraph("best");
  const never = graph.floats([DEVICE_NEVER], []);
  const rows = rowSearch(graph, profile, columns, never);
  let left = graph.input("allowed", "FLOAT", ["R", columns]);
  const found = Array.from({ length: BEST_AT_ONCE }, () => {
    const { value, place } = rows.top(left);
    const number = rows.asFloat(place);
    left = graph.node("Where", [isAt(graph, columns, number), never, left]);
    return [number, value];
  });
  const best = graph.node("Concat", found.flat(), { attributes: { axis: -1 } });
  graph.output("best", best, "FLOAT", ["R", 2 * BEST_AT_ONCE]);
  graph.output("rest", left, "FLOAT", ["R", columns]);
  return graph.toBytes();
}
