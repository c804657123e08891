import {
  type Architecture,
  type PatchTower,
  patchesPerSide,
  towerWidth,
} from "#domain/architecture.ts";
import {
  type BundleFormat,
  type ByteRange,
  type Q4Block,
  Q8_BLOCK,
  STANDARD_Q4_BLOCK,
  type StageLayout,
  type StageName,
  stageNames,
  TENSOR_ALIGNMENT,
  type TensorEncoding,
  type TensorEntry,
} from "#domain/bundle.ts";
import { type ConvTower, convolutionsOf, evidenceVectors, tapWidth } from "#domain/conv-tower.ts";
import { elementCount, type Shape } from "#domain/tensor.ts";

/** A stage before its bytes exist: everything but the names of its shards. */
export type StageDraft = Omit<StageLayout, "shards">;

/** A tensor that a stage holds and the part it plays, which decides its encoding. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: Shape;
  /**
   * `linear`: a matrix that is multiplied with. `kernel`: the same of a tower of convolutions, and its convolutions. `table`: read row by
   * row. `plain`: norms, biases, positions, the patch convolution.
   */
  readonly role: "linear" | "kernel" | "table" | "plain";
}

/**
 * Lays out all stages of an architecture in a format: the same layout for every converter, so equal weights give equal blobs.
 * `block` is that of q4 linears.
 */
export function draftStages(
  architecture: Architecture,
  format: BundleFormat,
  block: Q4Block = STANDARD_Q4_BLOCK,
): StageDraft[] {
  return stageNames(architecture).map((name) => {
    const specs = stageTensors(architecture, name);
    const tensors: TensorEntry[] = [];
    let end = 0;
    for (const spec of specs) {
      const { name: tensorName, shape } = spec;
      const encoding = encodingFor(format, name, spec);
      const sizes = encodedBytes(shape, encoding, block);
      const data = placeAfter(end, sizes.data);
      end = data.offset + data.bytes;
      const own = encoding === "q4" && block !== STANDARD_Q4_BLOCK ? { block } : {};
      const entry = { name: tensorName, shape, encoding, data, ...own };
      if (sizes.scales === undefined) {
        tensors.push(entry);
      } else {
        const scales = placeAfter(end, sizes.scales);
        end = scales.offset + scales.bytes;
        tensors.push({ ...entry, scales });
      }
    }
    return { name, bytes: end, tensors };
  });
}

/** Lists the tensors of one stage in the order in which they lie. Throws RangeError for a stage that the architecture lacks. */
export function stageTensors(architecture: Architecture, stage: StageName): TensorSpec[] {
  const { language, vision } = architecture;
  const { hiddenSize, vocabSize } = language;
  if (vision !== undefined && stage === "vision")
    return vision.kind === "conv" ? convTensors(vision) : patchTensors(vision);
  if (vision !== undefined && stage === "projector") {
    return [
      linear("0.weight", hiddenSize, towerWidth(vision)),
      plain("0.bias", hiddenSize),
      linear("2.weight", hiddenSize, hiddenSize),
      plain("2.bias", hiddenSize),
      plain("image_newline", hiddenSize),
    ];
  }
  if (stage === "embed") return [{ name: "weight", shape: [vocabSize, hiddenSize], role: "table" }];
  if (stage === "head") {
    return [plain("norm.weight", hiddenSize), linear("weight", vocabSize, hiddenSize)];
  }
  if (stage.startsWith("layer-")) return layerTensors(architecture);
  throw new RangeError(`the architecture has no stage ${stage}`);
}

/** Numbers that share what is kept for a row: everything of one output where the encoding has a scale for each. */
export function rowWidth({ shape, encoding }: Pick<TensorEntry, "shape" | "encoding">): number {
  const [outputs = 1] = shape;
  return encoding === "r8" ? elementCount(shape) / outputs : (shape[shape.length - 1] ?? 1);
}

/** Returns how many bytes a tensor takes in an encoding, `block` being that of q4; `scales` only where there are any. */
export function encodedBytes(
  shape: Shape,
  encoding: TensorEncoding,
  block: Q4Block = STANDARD_Q4_BLOCK,
): { readonly data: number; readonly scales?: number } {
  const count = elementCount(shape);
  const columns = shape[shape.length - 1] ?? 1;
  const rows = count / columns;
  const blocksOf = (size: number): number => rows * Math.ceil(columns / size);
  switch (encoding) {
    case "f32":
    case "f32t":
      return { data: count * 4 };
    case "f16":
    case "f16t":
      return { data: count * 2 };
    case "w8":
    case "w7":
      return { data: count, scales: rows * 4 };
    case "q4":
      return { data: (blocksOf(block) * block) / 2, scales: blocksOf(block) * 2 };
    case "q8":
    case "q8u":
      return { data: blocksOf(Q8_BLOCK) * Q8_BLOCK, scales: blocksOf(Q8_BLOCK) * 2 };
    case "r8":
      return { data: count, scales: (shape[0] ?? 1) * 4 };
    default:
      throw new RangeError(`no such encoding: ${encoding satisfies never}`);
  }
}

const linearEncodings = { w8a8: "w8", w7a8: "w7", q8: "q8u", q4: "q4" } as const;

/**
 * Numbers of a kernel that is float16 where larger ones are 8 bits: all filters of single channels, and the first, narrow blocks. Of
 * EfficientNet-Lite0 they are 0.15 of 6 MB; with them in 8 bits the evidence of a picture's best thing was off by 0.036 on average, and by
 * 0.14 at worst, in place of 0.008 and 0.03 (16 pictures).
 */
const SMALL_KERNEL = 32_768;

/**
 * Returns the encoding of a tensor. A tower of convolutions is 8 bits wide in every quantised format and multiplies in floats: with 8-bit
 * activations it named 8 points fewer of photographic cut-outs, and 4 bits save two of eight megabytes. Norms, biases and the like stay f32 everywhere: they are 0.02 % of the bytes. Source: infra/docs/facts.md#encodings-of-a-bundle. */
function encodingFor(
  format: BundleFormat,
  stage: StageName,
  { role, shape }: Pick<TensorSpec, "role" | "shape">,
): TensorEncoding {
  if (role === "plain") return "f32";
  switch (format) {
    case "f32":
      return role === "linear" ? "f32t" : "f32";
    case "f16":
      return role === "linear" ? "f16t" : "f16";
    case "w8a8":
    case "w7a8":
    case "q8":
    case "q4":
      if (role === "table") return "q8";
      if (role === "kernel") return elementCount(shape) > SMALL_KERNEL ? "r8" : "f16";
      if (stage === "projector") return "f16t";
      return linearEncodings[format];
    default:
      throw new RangeError(`no such format: ${format satisfies never}`);
  }
}

function patchTensors(vision: PatchTower): TensorSpec[] {
  const { hiddenSize, intermediateSize, patchSize, layers } = vision;
  const norm = (name: string): TensorSpec[] => [
    plain(`${name}.weight`, hiddenSize),
    plain(`${name}.bias`, hiddenSize),
  ];
  const biased = (name: string, outputs: number, inputs: number): TensorSpec[] => [
    linear(`${name}.weight`, outputs, inputs),
    plain(`${name}.bias`, outputs),
  ];
  const blocks = Array.from({ length: layers }, (_, index) => {
    const prefix = `encoder.layers.${index}`;
    return [
      ...norm(`${prefix}.layer_norm1`),
      ...["q_proj", "k_proj", "v_proj", "out_proj"].flatMap((name) =>
        biased(`${prefix}.self_attn.${name}`, hiddenSize, hiddenSize),
      ),
      ...norm(`${prefix}.layer_norm2`),
      ...biased(`${prefix}.mlp.fc1`, intermediateSize, hiddenSize),
      ...biased(`${prefix}.mlp.fc2`, hiddenSize, intermediateSize),
    ];
  });
  return [
    plain("embeddings.patch_embedding.weight", hiddenSize, 3, patchSize, patchSize),
    plain("embeddings.patch_embedding.bias", hiddenSize),
    plain("embeddings.position_embedding.weight", patchesPerSide(vision) ** 2, hiddenSize),
    ...blocks.flat(),
  ];
}

/** The tensors of a tower of convolutions, in the order in which they lie. */
export function convTensors(tower: ConvTower): TensorSpec[] {
  const { classes, concepts, readerWidth } = tower.evidence;
  const [seen, tapped] = [tower.headChannels, tapWidth(tower)];
  return [
    ...convolutionsOf(tower).flatMap(({ name, inputs, outputs, kernel: side, isDepthwise }) => [
      kernel(`${name}.weight`, outputs, isDepthwise ? 1 : inputs, side, side),
      plain(`${name}.bias`, outputs),
    ]),
    kernel("evidence.class_weight", classes, seen),
    plain("evidence.class_bias", classes),
    kernel("evidence.mapping", classes, concepts),
    plain("evidence.map_mean", seen),
    plain("evidence.map_std", seen),
    plain("evidence.tap_mean", tapped),
    plain("evidence.tap_std", tapped),
    kernel("evidence.first.weight", readerWidth, seen + tapped),
    plain("evidence.first.bias", readerWidth),
    kernel("evidence.second.weight", concepts + 2, readerWidth),
    plain("evidence.second.bias", concepts + 2),
    plain("evidence.where", evidenceVectors(tower), 3),
  ];
}

function layerTensors({ language }: Architecture): TensorSpec[] {
  const { hiddenSize, heads, keyValueHeads, headSize, intermediateSize } = language;
  return [
    plain("input_layernorm.weight", hiddenSize),
    linear("self_attn.q_proj.weight", heads * headSize, hiddenSize),
    linear("self_attn.k_proj.weight", keyValueHeads * headSize, hiddenSize),
    linear("self_attn.v_proj.weight", keyValueHeads * headSize, hiddenSize),
    linear("self_attn.o_proj.weight", hiddenSize, heads * headSize),
    plain("post_attention_layernorm.weight", hiddenSize),
    linear("mlp.gate_proj.weight", intermediateSize, hiddenSize),
    linear("mlp.up_proj.weight", intermediateSize, hiddenSize),
    linear("mlp.down_proj.weight", hiddenSize, intermediateSize),
  ];
}

function linear(name: string, outputs: number, inputs: number): TensorSpec {
  return { name, shape: [outputs, inputs], role: "linear" };
}

function kernel(name: string, ...shape: number[]): TensorSpec {
  return { name, shape, role: "kernel" };
}

function plain(name: string, ...shape: number[]): TensorSpec {
  return { name, shape, role: "plain" };
}

function placeAfter(end: number, bytes: number): ByteRange {
  return { offset: Math.ceil(end / TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT, bytes };
}
