import type { Graph, Value } from "./build.ts";

/** How the width of a projection falls into heads. */
export interface HeadLayout {
  readonly heads: number;
  /** Divides `heads`; equal to it where every query head has keys of its own. */
  readonly keyValueHeads: number;
  readonly headSize: number;
}

/** Keys and values computed before the window, [B, G, C, d], and what is added to all scores, [B, 1, 1, C+M]. */
export interface AttentionContext {
  readonly keys: Value;
  readonly values: Value;
  readonly mask: Value;
}

/** Parts the last axis into heads: [B, M, heads·d] → [B, M, heads, d]. */
export function splitHeads(graph: Graph, flat: Value, headSize: number): Value {
  return graph.node("Reshape", [flat, graph.integers([0, 0, -1, headSize])]);
}

/** Brings heads before positions: [B, M, G, d] → [B, G, M, d]. */
export function headsFirst(graph: Graph, perPosition: Value): Value {
  return graph.node("Transpose", [perPosition], { attributes: { perm: [0, 2, 1, 3] } });
}

/**
 * Scaled query rows, those of the heads that share a key head below one another, so that keys and values are never repeated:
 * [B, M, heads, d] → [B, G, g·M, d] with g = heads / G.
 */
export function groupQueries(graph: Graph, query: Value, layout: HeadLayout): Value {
  const { heads, keyValueHeads, headSize } = layout;
  const scaled = graph.node("Mul", [query, graph.floats([1 / Math.sqrt(headSize)], [])]);
  const parted = graph.node("Reshape", [
    scaled,
    graph.integers([0, 0, keyValueHeads, heads / keyValueHeads, headSize]),
  ]);
  const turned = graph.node("Transpose", [parted], { attributes: { perm: [0, 2, 3, 1, 4] } });
  return graph.node("Reshape", [turned, graph.integers([0, keyValueHeads, -1, headSize])]);
}

/** Undoes the grouping and joins the heads: [B, G, g·M, d] → [B, M, heads·d]. */
export function ungroupHeads(graph: Graph, mixed: Value, layout: HeadLayout): Value {
  const { heads, keyValueHeads, headSize } = layout;
  const parted = graph.node("Reshape", [
    mixed,
    graph.integers([0, keyValueHeads, heads / keyValueHeads, -1, headSize]),
  ]);
  const turned = graph.node("Transpose", [parted], { attributes: { perm: [0, 3, 1, 2, 4] } });
  return graph.node("Reshape", [turned, graph.integers([0, 0, heads * headSize])]);
}

/** softmax(q kᵀ + mask) v of all heads at once, without control flow: tensors [B, G, *, d], mask [1 or B, 1, 1, S] or none. */
export function attendBatched(
  graph: Graph,
  query: Value,
  { keys, values }: { readonly keys: Value; readonly values: Value },
  mask?: Value,
): Value {
  const turned = graph.node("Transpose", [keys], { attributes: { perm: [0, 1, 3, 2] } });
  const scores = graph.node("MatMul", [query, turned]); // [B, G, g·M, S]
  const masked = mask === undefined ? scores : graph.node("Add", [scores, mask]);
  return graph.node("MatMul", [softmax(graph, masked), values]);
}

/**
 * As `attendBatched` over G key heads, so many of them at a time, one part behind another: the scores of one part only lie in one buffer.
 * Bit for bit what it gives at once, as no head's numbers meet another's.
 */
export function attendInParts(
  graph: Graph,
  query: Value,
  { keys, values }: { readonly keys: Value; readonly values: Value },
  mask: Value,
  { of: count, atOnce }: { readonly of: number; readonly atOnce: number },
): Value {
  if (count <= atOnce) return attendBatched(graph, query, { keys, values }, mask);
  const parts: Value[] = [];
  for (let from = 0; from < count; from += atOnce) {
    const ends = [[from], [Math.min(from + atOnce, count)], [1]].map(graph.integers32);
    const part = (x: Value): Value => graph.node("Slice", [x, ...ends]);
    const seen = { keys: part(keys), values: part(values) };
    parts.push(attendBatched(graph, part(query), seen, mask));
  }
  return graph.node("Concat", parts, { attributes: { axis: 1 } });
}

/**
 * softmax(q kᵀ) v over the window alone. Here and below one head group after another, so that the scores of one only are in
 * memory. Those of all 32 heads of an 8B layer at 3 700 positions are 1.75 GB, two copies of which were alive at a time: one
 * run took 3.4 GB over the weights, and takes 0.5 GB and 0.9 times the time group by group. At 32 positions it takes as long.
 */
export function attend(graph: Graph, query: Value, keys: Value, values: Value): Value {
  return perGroup(graph, query, [keys, values], (ofQuery, [ofKeys, ofValues]) =>
    graph.node("MatMul", [softmax(graph, scoresOf(graph, ofQuery, ofKeys)), ofValues]),
  );
}

/**
 * softmax(q [context, window]ᵀ + mask) [context, window] without joining context and window: only the scores are joined, for
 * one softmax, and parted again for the two products with the values. The context, which is large and stays, is never copied.
 */
export function attendSplit(
  graph: Graph,
  query: Value,
  window: { readonly keys: Value; readonly values: Value },
  context: AttentionContext,
): Value {
  const contextLength = sizeOf(graph, context.keys, 2);
  const end = graph.integers([Number.MAX_SAFE_INTEGER]);
  const lastAxis = graph.integers([-1]);
  const groups = graph.node("Shape", [query], { attributes: { start: 0, end: 2 } });
  const masks = graph.node("Expand", [
    context.mask,
    graph.node("Concat", [groups, graph.integers([1, 1])], { attributes: { axis: 0 } }),
  ]); // [B, G, 1, C+M]
  const sequences = [window.keys, window.values, context.keys, context.values, masks] as const;
  return perGroup(graph, query, sequences, (ofQuery, parts) => {
    const [windowKeys, windowValues, contextKeys, contextValues, mask] = parts;
    const scores = graph.node(
      "Concat",
      [scoresOf(graph, ofQuery, contextKeys), scoresOf(graph, ofQuery, windowKeys)],
      { attributes: { axis: -1 } },
    );
    const weights = softmax(graph, graph.node("Add", [scores, mask])); // [g·M, C+M]
    const onContext = graph.node("Slice", [weights, graph.integers([0]), contextLength, lastAxis]);
    const onWindow = graph.node("Slice", [weights, contextLength, end, lastAxis]);
    return graph.node("Add", [
      graph.node("MatMul", [onContext, contextValues]),
      graph.node("MatMul", [onWindow, windowValues]),
    ]);
  });
}

/** A window as its heads see it: query [B, M, heads, d], keys and values [B, G, M, d]. */
export interface AttentionWindow {
  readonly query: Value;
  readonly keys: Value;
  readonly values: Value;
}

/**
 * Attention of a window, [B, M, heads·d]. Where the second context has a mask the window is that of several sequences, each with
 * the context of its own length: nothing is padded, so that the sums of each are those that it has alone. What is alone takes
 * the path without any cut.
 */
export function attendTogether(
  graph: Graph,
  window: AttentionWindow,
  [first, ...others]: readonly AttentionContext[],
  layout: HeadLayout,
): Value {
  if (first === undefined) throw new RangeError("attention without a context, even an empty one");
  const one = ({ query, keys, values }: AttentionWindow, context: AttentionContext): Value => {
    const grouped = groupQueries(graph, query, layout);
    return ungroupHeads(graph, attendSplit(graph, grouped, { keys, values }, context), layout);
  };
  const [second] = others;
  if (second === undefined) return one(window, first);
  const zero = graph.integers([0]);
  const isThere = ({ mask }: AttentionContext): Value =>
    graph.node("Greater", [sizeOf(graph, mask, 3), zero]);
  const several = (): Value => {
    let start: Value = zero;
    const mixed = [first, ...others].map((context) => {
      const from = start;
      const rows = graph.node("Sub", [
        sizeOf(graph, context.mask, 3),
        sizeOf(graph, context.keys, 2),
      ]);
      const to = graph.node("Add", [from, rows]);
      start = to;
      const cut = (x: Value, axis: number): Value =>
        graph.node("Slice", [x, from, to, graph.integers([axis])]);
      const own = (): Value =>
        one(
          { query: cut(window.query, 1), keys: cut(window.keys, 2), values: cut(window.values, 2) },
          context,
        );
      const nothing = (): Value =>
        graph.node("Identity", [graph.floats([], [1, 0, layout.heads * layout.headSize])]);
      return graph.choose(isThere(context), own, nothing);
    });
    return graph.node("Concat", mixed, { attributes: { axis: 1 } });
  };
  return graph.choose(isThere(second), several, () => one(window, first));
}

/** The length of one axis, [1]. */
function sizeOf(graph: Graph, tensor: Value, axis: number): Value {
  return graph.node("Shape", [tensor], { attributes: { start: axis, end: axis + 1 } });
}

/** Applies `body` to the matrices of each batch item and head group in turn: tensors [B, G, *, *], the result as the query. */
function perGroup<const Others extends readonly Value[]>(
  graph: Graph,
  query: Value,
  others: Others,
  body: (query: Value, others: { readonly [Index in keyof Others]: Value }) => Value,
): Value {
  const mixed = graph.scan(
    [query, ...others].map((tensor) => joinLeadingAxes(graph, tensor)),
    ([first, ...rest]) => body(first as Value, rest as { [Index in keyof Others]: Value }),
  );
  return graph.node("Reshape", [mixed, graph.node("Shape", [query])]);
}

/** [B, G, *, *] → [B·G, *, *]; moves nothing, as scanning the second axis would. A length may be 0, so no size is left open. */
function joinLeadingAxes(graph: Graph, tensor: Value): Value {
  const leading = graph.node("Shape", [tensor], { attributes: { start: 0, end: 2 } });
  const trailing = graph.node("Shape", [tensor], { attributes: { start: 2 } });
  const count = graph.node("ReduceProd", [leading]);
  const shape = graph.node("Concat", [count, trailing], { attributes: { axis: 0 } });
  return graph.node("Reshape", [tensor, shape], { attributes: { allowzero: 1 } });
}

/** [M, d] and [S, d] → [M, S]. */
function scoresOf(graph: Graph, query: Value, keys: Value): Value {
  const turned = graph.node("Transpose", [keys], { attributes: { perm: [1, 0] } });
  return graph.node("MatMul", [query, turned]);
}

function softmax(graph: Graph, scores: Value): Value {
  return graph.node("Softmax", [scores], { attributes: { axis: -1 } });
}
