import type { PatchTower } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { decoderLayerGraph } from "#graph/decoder-layer.ts";
import { deviceLayersGraph, isFused } from "#graph/device/layers.ts";
import type { OpProfile } from "#graph/profile.ts";
import { visionGraph } from "#graph/vision.ts";
import type { Rows } from "#model/reference/arithmetic.ts";
import { decoderLayer } from "#model/reference/decoder-layer.ts";
import { visionLayer } from "#model/reference/vision-layer.ts";
import { floats } from "../engine-parts.ts";
import type { Runtime, SessionTensor } from "../runtime/runtime.ts";
import { type PackedStage, packStage, type UnpackedTensor } from "../stages/packed-stage.ts";
import {
  type CaseSizes,
  CONTEXT,
  type DecoderLayerCase,
  decoderLayerCase,
  drawer,
  type LinearKind,
  random,
  randomTensor,
  SMALL_SIZES,
} from "./random-layers.ts";

/** What a provider computed and what it should have. */
export interface LayerOutcome {
  readonly layer: string;
  readonly actual: Float32Array;
  readonly expected: Float64Array;
}

const vision: PatchTower = {
  hiddenSize: 40,
  layers: 1,
  heads: 2,
  intermediateSize: 72,
  imageSize: 15,
  patchSize: 2,
  layerNormEpsilon: 1e-6,
};

/** Runs a small random decoder layer, its linears of one kind, on the runtime and in plain TypeScript. */
export async function runDecoderLayer(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
  sizes: CaseSizes = SMALL_SIZES,
): Promise<LayerOutcome> {
  const drawn = decoderLayerCase(kind, sizes);
  const { language, stage, inputs } = drawn;
  const { window } = sizes;
  const isDevice = profile.tensors === "device";
  const form = { endsTower: false, isObserved: false };
  const model = isDevice
    ? deviceLayersGraph(language, [stage.layout], profile, form)
    : decoderLayerGraph(language, stage.layout, profile);
  const kept = { shape: [1], data: Int32Array.of(window) };
  const all = isDevice
    ? {
        ...inputs,
        kept,
        ...(isFused(profile, language) ? { mask: ofRows(inputs.mask, window) } : {}),
      }
    : inputs;
  const { hiddenOut } = await runOnce(runtime, model, stage, ["hiddenOut"], all);
  return {
    layer: "decoder layer",
    actual: floats(hiddenOut).data,
    expected: expectedOf(drawn),
  };
}

/** What the plain forward makes of a decoder layer's case, [M, D]. */
export function expectedOf({ language, stage, inputs }: DecoderLayerCase): Float64Array {
  const { hidden, contextKeys, contextValues } = inputs;
  const [, window = 0] = hidden.shape;
  const positions = Array.from({ length: window }, (_, row) => CONTEXT + row);
  const context = { keys: headsLast(contextKeys), values: headsLast(contextValues) };
  return decoderLayer(stage.weights, language, rowsOf(hidden), { positions, context }).hidden.data;
}

/** [1, 1, 1, S] → [1, 1, M, S]. */
function ofRows({ data }: Tensor, rows: number): Tensor {
  const all = new Float32Array(rows * data.length);
  for (let row = 0; row < rows; row++) all.set(data, row * data.length);
  return tensor([1, 1, rows, data.length], all);
}

/** The same with one layer of a vision tower. */
export async function runVisionLayer(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
): Promise<LayerOutcome> {
  const draw = drawer();
  const { hiddenSize: width, intermediateSize, patchSize, imageSize } = vision;
  const name = "encoder.layers.0";
  const plain = (part: string, ...shape: number[]): UnpackedTensor =>
    randomTensor(draw, part, shape, { encoding: "f32" });
  const linear = (part: string, outputs: number, inputs: number): UnpackedTensor[] => [
    randomTensor(draw, `${name}.${part}.weight`, [outputs, inputs], kind),
    plain(`${name}.${part}.bias`, outputs),
  ];
  const norm = (part: string): UnpackedTensor[] => [
    plain(`${name}.${part}.weight`, width),
    plain(`${name}.${part}.bias`, width),
  ];
  const stage = packStage("self-test", [
    plain("embeddings.patch_embedding.weight", width, 3, patchSize, patchSize),
    plain("embeddings.patch_embedding.bias", width),
    plain("embeddings.position_embedding.weight", 49, width),
    ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((part) =>
      linear(`self_attn.${part}`, width, width),
    ),
    ...linear("mlp.fc1", intermediateSize, width),
    ...linear("mlp.fc2", width, intermediateSize),
    ...norm("layer_norm1"),
    ...norm("layer_norm2"),
  ]);
  const views = random(draw, [1, 3, imageSize, imageSize]);
  const model = visionGraph(vision, stage.layout, profile, true);
  const seen = await runOnce(runtime, model, stage, ["embeddings", "layer0"], { views });
  const patches = rowsOf(floats(seen["embeddings"]));
  const expected = visionLayer(stage.weights, vision, patches, name);
  return {
    layer: "vision layer",
    actual: floats(seen["layer0"]).data,
    expected: expected.data,
  };
}

async function runOnce(
  runtime: Runtime,
  model: Uint8Array,
  stage: PackedStage,
  outputs: readonly string[],
  inputs: Readonly<Record<string, SessionTensor>>,
): Promise<Readonly<Record<string, SessionTensor>>> {
  const session = await runtime.createSession(stage.layout.name, model, stage.bytes);
  try {
    return await session.run(inputs, outputs);
  } finally {
    await session.release();
  }
}

function rowsOf({ shape, data }: Tensor): Rows {
  return { width: shape[shape.length - 1] ?? 1, data: Float64Array.from(data) };
}

/** [1, G, C, d] → [C, G·d]. */
function headsLast({ shape, data }: Tensor): Rows {
  const [, heads = 1, length = 0, size = 0] = shape;
  const turned = new Float64Array(data.length);
  for (const [index, value] of data.entries()) {
    const head = Math.floor(index / (length * size));
    const row = Math.floor(index / size) % length;
    turned[(row * heads + head) * size + (index % size)] = value;
  }
  return { width: heads * size, data: turned };
}
