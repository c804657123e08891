import type { Graph, Value } from "../build.ts";
import type { OpProfile } from "../profile.ts";

/**
 * Stands for −∞, which shaders need not know (WGSL §15.7.2): no logit comes near, and whatever is added to it stays as far below. What
 * leaves the head at or below half of it was suppressed.
 */
export const DEVICE_NEVER = -1e30;

/** How the largest of each row [R, V] is found, and what lies at a place [R, 1]. */
export interface RowSearch {
  top(values: Value): { readonly value: Value; readonly place: Value };
  largest(values: Value): Value;
  /** The lowest in ties. */
  placeOfLargest(values: Value): Value;
  at(values: Value, place: Value): Value;
  asFloat(place: Value): Value;
}

/** The search that a device is best at. */
export function rowSearch(
  graph: Graph,
  { largest }: OpProfile,
  columns: number,
  never: Value,
): RowSearch {
  return largest === "argmax" ? byArgMax(graph) : byMasks(graph, columns, never);
}

function byMasks(graph: Graph, columns: number, never: Value): RowSearch {
  const largest = (values: Value): Value => reduce(graph, "ReduceMax", values);
  const placeOf = (values: Value, value: Value): Value => {
    const isThere = graph.node("Equal", [values, value]);
    const behindAll = graph.floats([columns], []);
    const candidates = graph.node("Where", [isThere, placesOf(graph, columns), behindAll]);
    return reduce(graph, "ReduceMin", candidates);
  };
  return {
    largest,
    top(values) {
      const value = largest(values);
      return { value, place: placeOf(values, value) };
    },
    placeOfLargest: (values) => placeOf(values, largest(values)),
    at: (values, place) =>
      largest(graph.node("Where", [isAt(graph, columns, place), values, never])),
    asFloat: (place) => place,
  };
}

function byArgMax(graph: Graph): RowSearch {
  const placeOfLargest = (values: Value): Value =>
    graph.node("ArgMax", [values], { attributes: { axis: -1, select_last_index: 0 } });
  const at = (values: Value, place: Value): Value =>
    graph.node("GatherElements", [values, place], { attributes: { axis: -1 } });
  return {
    placeOfLargest,
    at,
    top(values) {
      const place = placeOfLargest(values);
      return { value: at(values, place), place };
    },
    largest: (values) => at(values, placeOfLargest(values)),
    asFloat: (place) => graph.cast(place, "FLOAT"),
  };
}

/** Reduces each row to one number: [R, V] → [R, 1]. */
export function reduce(graph: Graph, operator: string, values: Value): Value {
  return graph.node(operator, [values, graph.integers([-1])], { attributes: { keepdims: 1 } });
}

/** 0 … V − 1, folded into a constant when the session is made. */
function placesOf(graph: Graph, columns: number): Value {
  return graph.node(
    "Range",
    [0, columns, 1].map((value) => graph.floats([value], [])),
  );
}

/** Says of each column whether it is that of its row: [R, V]. */
export function isAt(graph: Graph, columns: number, place: Value): Value {
  return graph.node("Equal", [placesOf(graph, columns), place]);
}
