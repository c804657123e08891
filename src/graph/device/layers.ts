import type { LanguageTower } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import { attendInParts, groupQueries, headsFirst, splitHeads, ungroupHeads } from "../attention.ts";
import { createGraph, type Graph, type Value } from "../build.ts";
import { feedForward } from "../decoder-layer.ts";
import { linear, type StageWeights } from "../linear.ts";
import { rmsNorm } from "../norm.ts";
import type { OpProfile } from "../profile.ts";
import { type Rotation, rotateBy } from "../rotary.ts";

/** What one graph of layers holds beside its weights. */
export interface DeviceLayersForm {
  /** Whether only the last Q positions leave the last of the layers. */
  readonly endsTower: boolean;
  /** Whether what leaves each layer can be read too. */
  readonly isObserved: boolean;
}

/**
 * Some layers of the language tower, one behind another, over a window of M positions that also sees C positions computed before, in
 * the form for devices (`OpProfile.tensors`). The same mathematics as `decoderLayerGraph`, which says what the sizes mean.
 *
 *   in   hidden [B, M, D] · cosines, sines [B, M, d/2] · mask [1, 1, M, C+M], added to the scores; [1, 1, 1, C+M] unless attention is fused
 *        contextKeys, contextValues [B, G, C, d], C ≥ 1; of the further layers contextKeys1, contextValues1 and so on
 *        kept [1] int32, how many of the window's first positions `keys` and `values` are
 *        endsTower only: start [1] int32, −Q, where the positions begin that go on behind the last layer's keys and values
 *   out  hiddenOut [B, M, D], or [B, Q, D] · keys (rotated), values [B, G, kept, d], and keys1, values1 and so on
 *        observed only: seen, seen1 …, what leaves each layer
 */
export function deviceLayersGraph(
  tower: LanguageTower,
  stages: readonly StageLayout[],
  profile: OpProfile,
  { endsTower, isObserved }: DeviceLayersForm,
): Uint8Array<ArrayBuffer> {
  const graph = createGraph("device-layers");
  const shape = ["B", "M", tower.hiddenSize];
  const tables = ["B", "M", tower.headSize / 2];
  let hidden = graph.input("hidden", "FLOAT", shape);
  const rotation = {
    cosines: graph.input("cosines", "FLOAT", tables),
    sines: graph.input("sines", "FLOAT", tables),
  };
  const mask = graph.input("mask", "FLOAT", [1, 1, "maskRows", "S"]);
  const kept = graph.input("kept", "INT32", [1]);
  for (const [file, stage] of stages.entries()) {
    const weights = { graph, stage, profile, file };
    const isLast = endsTower && file === stages.length - 1;
    const asking = isLast ? lastOf(graph) : (x: Value): Value => x;
    hidden = layer(weights, tower, { hidden, rotation, mask, kept, asking });
    if (isObserved) graph.output(`seen${numberOf(file)}`, hidden, "FLOAT", ["B", "N", "D"]);
  }
  graph.output("hiddenOut", hidden, "FLOAT", ["B", endsTower ? "Q" : "M", tower.hiddenSize]);
  return graph.toBytes();
}

/** What follows a name of the layer at this place: nothing behind those of the first. */
export function numberOf(place: number): string {
  return place === 0 ? "" : `${place}`;
}

interface Window {
  readonly hidden: Value;
  readonly rotation: Rotation;
  readonly mask: Value;
  readonly kept: Value;
  /** Of what has all positions on an axis, 1 if absent, those that ask. */
  readonly asking: (x: Value, axis?: number) => Value;
}

function lastOf(graph: Graph): Window["asking"] {
  const start = graph.input("start", "INT32", [1]);
  const end = graph.integers32([2 ** 31 - 1]);
  return (x, axis = 1) => graph.node("Slice", [x, start, end, graph.integers32([axis])]);
}

function layer(weights: StageWeights, tower: LanguageTower, window: Window): Value {
  const { graph } = weights;
  const epsilon = tower.rmsNormEpsilon;
  const normed = rmsNorm(weights, window.hidden, "input_layernorm", epsilon);
  const mixed = selfAttention(weights, tower, window, normed);
  const attended = graph.node("Add", [window.asking(window.hidden), mixed]);
  const renormed = rmsNorm(weights, attended, "post_attention_layernorm", epsilon);
  return graph.node("Add", [attended, feedForward(weights, renormed)]);
}

function selfAttention(
  weights: StageWeights,
  tower: LanguageTower,
  { rotation, mask, kept, asking }: Window,
  normed: Value,
): Value {
  const { graph, file = 0 } = weights;
  const { heads, keyValueHeads, headSize } = tower;
  const number = numberOf(file);
  const project = (x: Value, name: string): Value => linear(weights, x, `self_attn.${name}`);
  const askingBy = { cosines: asking(rotation.cosines), sines: asking(rotation.sines) };
  const query = rotateBy(graph, project(asking(normed), "q_proj"), askingBy, heads); // [B, Q, heads·d]
  const turned = rotateBy(graph, project(normed, "k_proj"), rotation, keyValueHeads);
  const keys = headsFirst(graph, splitHeads(graph, turned, headSize));
  const values = headsFirst(graph, splitHeads(graph, project(normed, "v_proj"), headSize));
  const sequence = (name: string, own: Value): Value => {
    const shape = ["B", keyValueHeads, `C${number}`, headSize];
    const context = graph.input(`context${name}${number}`, "FLOAT", shape);
    const first = graph.node("Slice", [own, graph.integers32([0]), kept, graph.integers32([2])]);
    const keptShape = ["B", keyValueHeads, "K", headSize];
    graph.output(`${name.toLowerCase()}${number}`, first, "FLOAT", keptShape);
    return graph.node("Concat", [context, own], { attributes: { axis: 2 } });
  };
  const seen = { keys: sequence("Keys", keys), values: sequence("Values", values) };
  return project(attend(weights, tower, query, seen, { mask, asking }), "o_proj");
}

/** softmax(q kᵀ + mask) v in the form of the profile: query [B, Q, heads·d], keys and values [B, G, C+M, d] → [B, Q, heads·d]. */
function attend(
  { graph, profile }: StageWeights,
  tower: LanguageTower,
  query: Value,
  { keys, values }: { readonly keys: Value; readonly values: Value },
  { mask, asking }: Pick<Window, "mask" | "asking">,
): Value {
  if (isFused(profile, tower)) {
    // Without keys of its own each query head would have to be given a copy.
    const inputs = [query, keys, values, graph.none, graph.none, asking(mask, 2)];
    const attributes = { num_heads: tower.heads, unidirectional: 0 };
    return graph.node("MultiHeadAttention", inputs, { domain: "com.microsoft", attributes });
  }
  const grouped = groupQueries(graph, splitHeads(graph, query, tower.headSize), tower);
  const { heads, keyValueHeads } = tower;
  // A part has at least one key head with all query heads that share it.
  const atOnce = Math.max(1, Math.floor((profile.headsAtOnce * keyValueHeads) / heads));
  const parts = { of: keyValueHeads, atOnce };
  return ungroupHeads(graph, attendInParts(graph, grouped, { keys, values }, mask, parts), tower);
}

/** Whether layers of this tower are computed with the fused attention: it wants keys for every head, and a mask for every row. */
export function isFused(profile: OpProfile, { heads, keyValueHeads }: LanguageTower): boolean {
  return profile.attention === "fused" && heads === keyValueHeads;
}
