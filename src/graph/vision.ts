import { type PatchTower, patchesPerSide, type VisionTower } from "#domain/architecture.ts";
import type { StageLayout } from "#domain/bundle.ts";
import {
  attend,
  attendBatched,
  groupQueries,
  headsFirst,
  splitHeads,
  ungroupHeads,
} from "./attention.ts";
import { createGraph, type Value } from "./build.ts";
import { convTowerGraph } from "./conv/tower.ts";
import { linear, plain, type StageWeights } from "./linear.ts";
import { layerNorm } from "./norm.ts";
import type { OpProfile } from "./profile.ts";

/** The vision tower, of either kind: views [N, 3, imageSize, imageSize] → features [N, P, D]. */
export function visionGraph(
  tower: VisionTower,
  stage: StageLayout,
  profile: OpProfile,
  isObserved: boolean,
): Uint8Array<ArrayBuffer> {
  return tower.kind === "conv"
    ? convTowerGraph(tower, stage, profile, isObserved)
    : patchTowerGraph(tower, stage, profile, isObserved);
}

/**
 * The SigLIP-shaped tower.
 *
 *   in   views [N, 3, imageSize, imageSize]
 *   out  features [N, P, D]: the residual stream after the last layer, not normalised
 *        observed only: embeddings [N, P, D], and layer0 … what each layer leaves
 *
 * Source: SigLipVisionTransformer in siglip_encoder.py; `post_layernorm` lies in the checkpoint but feeds nothing that is used.
 */
function patchTowerGraph(
  tower: PatchTower,
  stage: StageLayout,
  profile: OpProfile,
  isObserved: boolean,
): Uint8Array<ArrayBuffer> {
  const graph = createGraph("vision");
  const weights = { graph, stage, profile };
  const shape = ["N", patchesPerSide(tower) ** 2, tower.hiddenSize];
  const observe = (name: string, value: Value): void => {
    if (isObserved) graph.output(name, value, "FLOAT", shape);
  };
  let residual = embedPatches(weights, tower);
  observe("embeddings", residual);
  for (let layer = 0; layer < tower.layers; layer++) {
    residual = encoderLayer(weights, residual, tower, `encoder.layers.${layer}`);
    observe(`layer${layer}`, residual);
  }
  graph.output("features", residual, "FLOAT", shape);
  return graph.toBytes();
}

/** Embeds patches row by row and adds the learned position of each. */
function embedPatches(weights: StageWeights, tower: PatchTower): Value {
  const { graph, profile } = weights;
  const { imageSize } = tower;
  const views = graph.input("views", "FLOAT", ["N", 3, imageSize, imageSize]);
  const embed = profile.convolutions === "product" ? multiplyPatches : convolvePatches;
  const patches = embed(weights, views, tower); // [N, P, D]
  return graph.node("Add", [patches, plain(weights, "embeddings.position_embedding.weight")]);
}

/** Without padding: pixels beyond the last whole patch are in none. */
function convolvePatches(
  weights: StageWeights,
  views: Value,
  { hiddenSize, patchSize }: PatchTower,
): Value {
  const { graph } = weights;
  const grid = graph.node(
    "Conv",
    [
      views,
      plain(weights, "embeddings.patch_embedding.weight"),
      plain(weights, "embeddings.patch_embedding.bias"),
    ],
    { attributes: { kernel_shape: [patchSize, patchSize], strides: [patchSize, patchSize] } },
  ); // [N, D, side, side]
  const flat = graph.node("Reshape", [grid, graph.integers([0, hiddenSize, -1])]);
  return graph.node("Transpose", [flat], { attributes: { perm: [0, 2, 1] } }); // [N, P, D]
}

/** The same convolution: patches side by side are rows, and each is one product with the kernel. */
function multiplyPatches(weights: StageWeights, views: Value, tower: PatchTower): Value {
  const { graph } = weights;
  const { hiddenSize, imageSize, patchSize } = tower;
  const side = patchesPerSide(tower);
  const width = side * patchSize;
  const whole =
    width === imageSize
      ? views
      : graph.node("Slice", [
          views,
          graph.integers([0, 0]),
          graph.integers([width, width]),
          graph.integers([2, 3]),
        ]);
  const split = [0, 3, side, patchSize, side, patchSize];
  const cells = graph.node("Reshape", [whole, graph.integers(split)]);
  const ordered = graph.node("Transpose", [cells], { attributes: { perm: [0, 2, 4, 1, 3, 5] } });
  const inputs = 3 * patchSize ** 2;
  const rows = graph.node("Reshape", [ordered, graph.integers([0, side ** 2, inputs])]);
  const kernel = plain(weights, "embeddings.patch_embedding.weight"); // [D, 3, p, p]
  const flat = graph.node("Reshape", [kernel, graph.integers([hiddenSize, inputs])]);
  const transposed = graph.node("Transpose", [flat], { attributes: { perm: [1, 0] } });
  const product = graph.node("MatMul", [rows, transposed]);
  return graph.node("Add", [product, plain(weights, "embeddings.patch_embedding.bias")]);
}

function encoderLayer(weights: StageWeights, x: Value, tower: PatchTower, name: string): Value {
  const { graph } = weights;
  const epsilon = tower.layerNormEpsilon;
  const normed = layerNorm(weights, x, `${name}.layer_norm1`, epsilon);
  const attended = graph.node("Add", [x, selfAttention(weights, normed, tower, name)]);
  const renormed = layerNorm(weights, attended, `${name}.layer_norm2`, epsilon);
  const widened = linear(weights, renormed, `${name}.mlp.fc1`);
  const activated = graph.node("Gelu", [widened], { attributes: { approximate: "tanh" } });
  return graph.node("Add", [attended, linear(weights, activated, `${name}.mlp.fc2`)]);
}

function selfAttention(weights: StageWeights, x: Value, tower: PatchTower, name: string): Value {
  const { graph } = weights;
  const { heads, hiddenSize } = tower;
  const layout = { heads, keyValueHeads: heads, headSize: hiddenSize / heads };
  const project = (part: string): Value =>
    splitHeads(graph, linear(weights, x, `${name}.self_attn.${part}`), layout.headSize);
  const query = groupQueries(graph, project("q_proj"), layout);
  const keys = headsFirst(graph, project("k_proj"));
  const values = headsFirst(graph, project("v_proj"));
  const attended =
    weights.profile.attention === "groups"
      ? attend(graph, query, keys, values)
      : attendBatched(graph, query, { keys, values });
  const mixed = ungroupHeads(graph, attended, layout);
  return linear(weights, mixed, `${name}.self_attn.out_proj`);
}
