import type { LanguageTower } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import { type AttentionContext, attendTogether, headsFirst, splitHeads } from "./attention.ts";
import { createGraph, type Graph, type Value } from "./build.ts";
import { linear, type StageWeights } from "./linear.ts";
import { rmsNorm } from "./norm.ts";
import type { OpProfile } from "./profile.ts";
import { type Rotation, rotate, rotationInputs } from "./rotary.ts";

/**
 * One layer of the language tower over a window of M positions that also sees C positions computed before.
 *
 *   in   hidden [B, M, D] · cosines, sines [1, M, d/2] of the window's rotation angles
 *        contextKeys (rotated), contextValues [B, G, C, d], C may be 0 · mask [1 or B, 1, 1, C+M], added to the scores
 *   out  hiddenOut [B, M, D] · keys (rotated), values [B, G, M, d]
 *
 * G counts key/value heads, d is a head's size. Source: LLaDADecoderLayer in modeling_llada.py; every position sees every other.
 *
 * With `queries` "last" only the last Q positions of the window go on behind keys and values, Q ≤ M: what the last layer computes
 * of other positions nobody reads. Then the graph has two more inputs, queryCosines and querySines [1, Q, d/2], which are those positions'
 * angles, and hiddenOut is [B, Q, D], bit for bit the last Q rows of what "all" gives.
 *
 * With more than one of `sequences` the window may be those of so many different sequences one behind another, B = 1, each with what it sees
 * alone: contextKeys, contextValues and mask of the first, contextKeys1, contextValues1 and mask1 of the second, and so on.
 * A sequence's rows are as many as its mask is longer than its context; those that are not there have masks of length 0. All
 * positions ask then, so Q = M.
 */
export function decoderLayerGraph(
  tower: LanguageTower,
  stage: StageLayout,
  profile: OpProfile,
  queries: Queries = "all",
  sequences = 1,
): Uint8Array<ArrayBuffer> {
  const graph = createGraph("decoder-layer");
  const weights = { graph, stage, profile };
  const shape = ["B", "M", tower.hiddenSize];
  const epsilon = tower.rmsNormEpsilon;
  const hidden = graph.input("hidden", "FLOAT", shape);
  const normed = rmsNorm(weights, hidden, "input_layernorm", epsilon);
  const rotation = rotationInputs(graph, tower.headSize);
  const asking =
    queries === "all"
      ? { hidden, normed, rotation }
      : lastOf(graph, { hidden, normed }, tower.headSize);
  const contexts = Array.from({ length: sequences }, (_, index) =>
    contextInputs(graph, tower, index),
  );
  const mixed = selfAttention(weights, { normed, rotation }, asking, tower, contexts);
  const attended = graph.node("Add", [asking.hidden, mixed]);
  const renormed = rmsNorm(weights, attended, "post_attention_layernorm", epsilon);
  const result = graph.node("Add", [attended, feedForward(weights, renormed)]);
  const length = queries === "all" ? "M" : "Q";
  graph.output("hiddenOut", result, "FLOAT", ["B", length, tower.hiddenSize]);
  return graph.toBytes();
}

/** Which positions of the window ask, and go on into the next layer. */
export type Queries = "all" | "last";

/** Vectors [B, M, D] with the angles of their positions. */
interface Placed {
  readonly normed: Value;
  readonly rotation: Rotation;
}

/** The last Q positions of a window; Q is read off the angles. */
function lastOf(
  graph: Graph,
  { hidden, normed }: { readonly hidden: Value; readonly normed: Value },
  headSize: number,
): Placed & { readonly hidden: Value } {
  const rotation = rotationInputs(graph, headSize, "queries");
  const count = graph.node("Shape", [rotation.cosines], { attributes: { start: 1, end: 2 } });
  const start = graph.node("Neg", [count]);
  const end = graph.integers([Number.MAX_SAFE_INTEGER]);
  const last = (x: Value): Value => graph.node("Slice", [x, start, end, graph.integers([1])]);
  return { hidden: last(hidden), normed: last(normed), rotation };
}

/** Declares what one sequence sees beside its window; the first one's names have no number. */
function contextInputs(
  graph: Graph,
  { keyValueHeads, headSize }: LanguageTower,
  index: number,
): AttentionContext {
  const number = index === 0 ? "" : `${index}`;
  const shape = ["B", keyValueHeads, `C${number}`, headSize];
  return {
    keys: graph.input(`contextKeys${number}`, "FLOAT", shape),
    values: graph.input(`contextValues${number}`, "FLOAT", shape),
    mask: graph.input(`mask${number}`, "FLOAT", ["maskBatch", 1, 1, `S${number}`]),
  };
}

function selfAttention(
  weights: StageWeights,
  window: Placed,
  asking: Placed,
  tower: LanguageTower,
  contexts: readonly AttentionContext[],
): Value {
  const { graph } = weights;
  const { heads, keyValueHeads, headSize } = tower;
  const project = ({ normed }: Placed, name: string): Value =>
    linear(weights, normed, `self_attn.${name}`);
  const turned = (from: Placed, name: string, count: number): Value =>
    splitHeads(graph, rotate(graph, project(from, name), from.rotation, count), headSize);
  const query = turned(asking, "q_proj", heads);
  const keys = headsFirst(graph, turned(window, "k_proj", keyValueHeads));
  const values = headsFirst(graph, splitHeads(graph, project(window, "v_proj"), headSize));
  const mixed = attendTogether(graph, { query, keys, values }, contexts, tower);
  graph.output("keys", keys, "FLOAT", ["B", keyValueHeads, "M", headSize]);
  graph.output("values", values, "FLOAT", ["B", keyValueHeads, "M", headSize]);
  return linear(weights, mixed, "self_attn.o_proj");
}

/** SwiGLU: down(silu(gate x) ⊙ up x). */
export function feedForward(weights: StageWeights, x: Value): Value {
  const { graph } = weights;
  const gate = linear(weights, x, "mlp.gate_proj");
  const activated = graph.node("Mul", [gate, graph.node("Sigmoid", [gate])]);
  const product = graph.node("Mul", [activated, linear(weights, x, "mlp.up_proj")]);
  return linear(weights, product, "mlp.down_proj");
}
