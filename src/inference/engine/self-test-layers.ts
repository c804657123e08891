import type { LanguageTower, VisionTower } from "#domain/architecture.ts";
import type { Q4Block, TensorEncoding } from "#domain/bundle.ts";
import { elementCount, type Shape, type Tensor, tensor } from "#domain/tensor.ts";
import { decoderLayerGraph } from "#graph/decoder-layer.ts";
import { deviceLayersGraph, isFused } from "#graph/device/layers.ts";
import type { OpProfile } from "#graph/profile.ts";
import { rotationTables } from "#graph/rotary.ts";
import { visionGraph } from "#graph/vision.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import type { Rows } from "#model/reference/arithmetic.ts";
import { decoderLayer } from "#model/reference/decoder-layer.ts";
import { visionLayer } from "#model/reference/vision-layer.ts";
import { floats } from "./engine-parts.ts";
import type { Runtime, SessionTensor } from "./ort.ts";
import { type PackedStage, packStage, type UnpackedTensor } from "./packed-stage.ts";

/** How a linear may be stored. */
export interface LinearKind {
  readonly encoding: LinearEncoding;
  /** Of q4; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
}

export type LinearEncoding = Extract<TensorEncoding, "f32t" | "f16t" | "w8" | "w7" | "q4" | "q8u">;

/** What a provider computed and what it should have. */
export interface LayerOutcome {
  readonly layer: string;
  readonly actual: Float32Array;
  readonly expected: Float64Array;
}

/** Odd on purpose: widths that are no multiple of 32, two query heads per key head. */
const language: LanguageTower = {
  hiddenSize: 72,
  layers: 1,
  heads: 4,
  keyValueHeads: 2,
  headSize: 18,
  intermediateSize: 104,
  vocabSize: 1,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
};

const vision: VisionTower = {
  hiddenSize: 40,
  layers: 1,
  heads: 2,
  intermediateSize: 72,
  imageSize: 15,
  patchSize: 2,
  layerNormEpsilon: 1e-6,
};

/** Rows over 32, where a fused attention was right below and wrong above. Source: microsoft/onnxruntime#28511. */
const WINDOW = 40;
const CONTEXT = 5;

/** A small random decoder layer, and what is fed to it: a window behind a context. */
export interface DecoderLayerCase {
  readonly language: LanguageTower;
  readonly stage: PackedStage;
  readonly inputs: Readonly<
    Record<"hidden" | "cosines" | "sines" | "contextKeys" | "contextValues" | "mask", Tensor>
  >;
}

/** Sizes of a test: the tower's, and the rows of its window. */
export interface CaseSizes {
  readonly language: LanguageTower;
  readonly window: number;
}

const SMALL: CaseSizes = { language, window: WINDOW };

/**
 * For fused attention: a key head for each query head, heads as wide as the 8B's, and rows and keys over more than one of a kernel's
 * tiles.
 */
export const FUSED_SIZES: CaseSizes = {
  language: { ...language, heads: 2, keyValueHeads: 2, headSize: 128 },
  window: 152,
};

/** Makes a random decoder layer with its linears of one kind, the same at every call. */
export function decoderLayerCase(kind: LinearKind, sizes: CaseSizes = SMALL): DecoderLayerCase {
  const draw = drawer();
  const { language, window } = sizes;
  const { hiddenSize: width, heads, keyValueHeads, headSize, intermediateSize } = language;
  const linear = (name: string, outputs: number, inputs: number): UnpackedTensor =>
    randomTensor(draw, `${name}.weight`, [outputs, inputs], kind);
  const stage = packStage("self-test", [
    randomTensor(draw, "input_layernorm.weight", [width], { encoding: "f32" }),
    linear("self_attn.q_proj", heads * headSize, width),
    linear("self_attn.k_proj", keyValueHeads * headSize, width),
    linear("self_attn.v_proj", keyValueHeads * headSize, width),
    linear("self_attn.o_proj", width, heads * headSize),
    randomTensor(draw, "post_attention_layernorm.weight", [width], { encoding: "f32" }),
    linear("mlp.gate_proj", intermediateSize, width),
    linear("mlp.up_proj", intermediateSize, width),
    linear("mlp.down_proj", width, intermediateSize),
  ]);
  const hidden = random(draw, [1, window, width]);
  const contextShape = [1, keyValueHeads, CONTEXT, headSize];
  const [keys, values] = [random(draw, contextShape), random(draw, contextShape)];
  const { cosines, sines } = rotationTables(language, CONTEXT, window);
  return {
    language,
    stage,
    inputs: {
      hidden,
      cosines: tensor([1, window, headSize / 2], cosines),
      sines: tensor([1, window, headSize / 2], sines),
      contextKeys: keys,
      contextValues: values,
      mask: tensor([1, 1, 1, CONTEXT + window], new Float32Array(CONTEXT + window)),
    },
  };
}

/** Runs a small random decoder layer, its linears of one kind, on the runtime and in plain TypeScript. */
export async function runDecoderLayer(
  runtime: Runtime,
  profile: OpProfile,
  kind: LinearKind,
  sizes: CaseSizes = SMALL,
): Promise<LayerOutcome> {
  const { language, stage, inputs } = decoderLayerCase(kind, sizes);
  const { hidden, contextKeys, contextValues, mask } = inputs;
  const { window } = sizes;
  const isDevice = profile.tensors === "device";
  const form = { endsTower: false, isObserved: false };
  const model = isDevice
    ? deviceLayersGraph(language, [stage.layout], profile, form)
    : decoderLayerGraph(language, stage.layout, profile);
  const kept = { shape: [1], data: Int32Array.of(window) };
  const all = isDevice
    ? { ...inputs, kept, ...(isFused(profile, language) ? { mask: ofRows(mask, window) } : {}) }
    : inputs;
  const { hiddenOut } = await runOnce(runtime, model, stage, ["hiddenOut"], all);
  const positions = Array.from({ length: window }, (_, row) => CONTEXT + row);
  const context = { keys: headsLast(contextKeys), values: headsLast(contextValues) };
  const expected = decoderLayer(stage.weights, language, rowsOf(hidden), { positions, context });
  return {
    layer: "decoder layer",
    actual: floats(hiddenOut).data,
    expected: expected.hidden.data,
  };
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

/** Numbers spread evenly over −1 … 1, the same at every start. */
export type Draw = () => number;

export function drawer(): Draw {
  const stream = mulberry32(1);
  return () => 2 * stream.next() - 1;
}

export function random(draw: Draw, shape: Shape): Tensor {
  return tensor(shape, Float32Array.from({ length: elementCount(shape) }, draw));
}

/** Linears are scaled to keep the size of what goes through them; all others are left as drawn. */
export function randomTensor(
  draw: Draw,
  name: string,
  shape: Shape,
  { encoding, block }: { readonly encoding: TensorEncoding; readonly block?: Q4Block },
): UnpackedTensor {
  const [, inputs = 1] = encoding === "f32" ? [] : shape;
  const values = Float32Array.from(
    { length: elementCount(shape) },
    () => draw() * Math.sqrt(3 / inputs),
  );
  return { name, shape, encoding, ...(block === undefined ? {} : { block }), values };
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
