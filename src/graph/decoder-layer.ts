import type { LanguageTower } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import { attendSplit, groupQueries, headsFirst, splitHeads, ungroupHeads } from "./attention.ts";
import { createGraph, type Value } from "./build.ts";
import { linear, type StageWeights } from "./linear.ts";
import { rmsNorm } from "./norm.ts";
import type { OpProfile } from "./profile.ts";
import { rotate, rotationInputs } from "./rotary.ts";

/**
 * One layer of the language tower over a window of M positions that also sees C positions computed before.
 *
 *   in   hidden [B, M, D] · cosines, sines [1, M, d/2] of the window's rotation angles
 *        contextKeys (rotated), contextValues [B, G, C, d], C may be 0 · mask [1 or B, 1, 1, C+M], added to the scores
 *   out  hiddenOut [B, M, D] · keys (rotated), values [B, G, M, d]
 *
 * G counts key/value heads, d is a head's size. Source: LLaDADecoderLayer in modeling_llada.py; every position sees every other.
 */
export function decoderLayerGraph(
  tower: LanguageTower,
  stage: StageLayout,
  profile: OpProfile,
): Uint8Array<ArrayBuffer> {
  const graph = createGraph("decoder-layer");
  const weights = { graph, stage, profile };
  const shape = ["B", "M", tower.hiddenSize];
  const epsilon = tower.rmsNormEpsilon;
  const hidden = graph.input("hidden", "FLOAT", shape);
  const normed = rmsNorm(weights, hidden, "input_layernorm", epsilon);
  const attended = graph.node("Add", [hidden, selfAttention(weights, normed, tower)]);
  const renormed = rmsNorm(weights, attended, "post_attention_layernorm", epsilon);
  const result = graph.node("Add", [attended, feedForward(weights, renormed)]);
  graph.output("hiddenOut", result, "FLOAT", shape);
  return graph.toBytes();
}

function selfAttention(weights: StageWeights, x: Value, tower: LanguageTower): Value {
  const { graph } = weights;
  const { keyValueHeads, headSize } = tower;
  const rotation = rotationInputs(graph, headSize);
  const heads = (name: string): Value =>
    splitHeads(graph, linear(weights, x, `self_attn.${name}`), headSize);
  const query = groupQueries(graph, rotate(graph, heads("q_proj"), rotation, headSize), tower);
  const keys = headsFirst(graph, rotate(graph, heads("k_proj"), rotation, headSize));
  const values = headsFirst(graph, heads("v_proj"));
  const contextShape = ["B", keyValueHeads, "C", headSize];
  const mixed = attendSplit(
    graph,
    query,
    { keys, values },
    {
      keys: graph.input("contextKeys", "FLOAT", contextShape),
      values: graph.input("contextValues", "FLOAT", contextShape),
      mask: graph.input("mask", "FLOAT", ["maskBatch", 1, 1, "S"]),
    },
  );
  graph.output("keys", keys, "FLOAT", ["B", keyValueHeads, "M", headSize]);
  graph.output("values", values, "FLOAT", ["B", keyValueHeads, "M", headSize]);
  return linear(weights, ungroupHeads(graph, mixed, tower), "self_attn.o_proj");
}

/** SwiGLU: down(silu(gate x) ⊙ up x). */
function feedForward(weights: StageWeights, x: Value): Value {
  const { graph } = weights;
  const gate = linear(weights, x, "mlp.gate_proj");
  const activated = graph.node("Mul", [gate, graph.node("Sigmoid", [gate])]);
  const product = graph.node("Mul", [activated, linear(weights, x, "mlp.up_proj")]);
  return linear(weights, product, "mlp.down_proj");
}
