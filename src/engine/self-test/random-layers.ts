import type { LanguageTower } from "#domain/architecture.ts";
import type { Q4Block, TensorEncoding } from "#domain/bundle.ts";
import { elementCount, type Shape, type Tensor, tensor } from "#domain/tensor.ts";
import { rotationTables } from "#graph/rotary.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { type PackedStage, packStage, type UnpackedTensor } from "../stages/packed-stage.ts";

/** How a linear may be stored. */
export interface LinearKind {
  readonly encoding: LinearEncoding;
  /** Of q4; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
}

export type LinearEncoding = Extract<TensorEncoding, "f32t" | "f16t" | "w8" | "w7" | "q4" | "q8u">;

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

/** Rows over 32, where a fused attention was right below and wrong above. Source: microsoft/onnxruntime#28511. */
const WINDOW = 40;
/** Positions before the window, whose keys and values are given. */
export const CONTEXT = 5;

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

export const SMALL_SIZES: CaseSizes = { language, window: WINDOW };

/**
 * For fused attention: a key head for each query head, heads as wide as the 8B's, and rows and keys over more than one of a kernel's
 * tiles.
 */
export const FUSED_SIZES: CaseSizes = {
  language: { ...language, heads: 2, keyValueHeads: 2, headSize: 128 },
  window: 152,
};

/** Makes a random decoder layer with its linears of one kind, the same at every call. */
export function decoderLayerCase(
  kind: LinearKind,
  sizes: CaseSizes = SMALL_SIZES,
): DecoderLayerCase {
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
