import type { Abilities } from "./abilities.ts";
import type { Architecture } from "./architecture.ts";
import type { ReadCard } from "./read-style.ts";
import type { Shape } from "./tensor.ts";
import type { Trust } from "./trust.ts";

/**
 * A model bundle: the form in which weights lie in object storage, cut into the stages that run.
 *
 *   models/<name>/<version>/manifest.json   canonical JSON; sha256 of these bytes is the model digest
 *   models/<name>/latest.json               {version, digest}: the only object that ever changes
 *   blobs/sha256/<hex>                      shards and files by content, immutable
 */
export interface Bundle extends Trust {
  readonly formatVersion: 1;
  readonly name: string;
  readonly version: string;
  readonly format: BundleFormat;
  readonly architecture: Architecture;
  /** What the model was trained for, where its maker says so: read it through `UNTOLD_ABILITIES`. */
  readonly abilities?: Abilities;
  /** How values are read off pictures, where its maker says so: read it through `readCardOf`. */
  readonly read?: ReadCard;
  /** In the order in which a forward pass needs them. */
  readonly stages: readonly StageLayout[];
  /** `tokenizer.json` and the like by file name; empty in a bundle that takes ids only. */
  readonly files: Readonly<Record<string, Blob>>;
}

/**
 * How the large linears are stored. `f32` parity · `f16` GPU · `w8a8` int8 per output channel · `w7a8` the same in −64 … 64, for CPUs
 * without VNNI · `q8` int8 in blocks of 32, for GPUs · `q4` int4 in blocks.
 */
export const bundleFormats = ["f32", "f16", "w8a8", "w7a8", "q8", "q4"] as const;

/** One of `bundleFormats`. */
export type BundleFormat = (typeof bundleFormats)[number];

/** A name by content. */
export interface Blob {
  /** Lower-case hex of the SHA-256 of the bytes. */
  readonly sha256: string;
  readonly bytes: number;
}

/** `vision`, `projector`, `embed`, `layer-00` …, `head`. */
export type StageName = string;

/** One stage: a contiguous range of bytes, sliced into shards, holding 64-byte aligned tensors. */
export interface StageLayout {
  readonly name: StageName;
  /** Total bytes; the shards' bytes sum to it. */
  readonly bytes: number;
  readonly shards: readonly Blob[];
  readonly tensors: readonly TensorEntry[];
}

/** Where a tensor lies in its stage and how its numbers are written. */
export interface TensorEntry {
  /** Name inside the stage, the checkpoint's own name without the prefix that the stage stands for: `self_attn.q_proj.weight`. */
  readonly name: string;
  /** Logical shape as in the checkpoint: [out, in] for a linear, whatever the encoding does with it. */
  readonly shape: Shape;
  readonly encoding: TensorEncoding;
  /** Weights per block of a `q4` linear; `STANDARD_Q4_BLOCK` if absent. No other encoding has it. */
  readonly block?: Q4Block;
  /** The numbers themselves. */
  readonly data: ByteRange;
  /** Scales of a quantised tensor; absent otherwise. */
  readonly scales?: ByteRange;
}

export interface ByteRange {
  /** From the start of the stage, a multiple of 64. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * All little-endian. Linears lie as the runtime wants them, so that loading never repacks.
 *
 *   f32, f16   row-major in the logical shape
 *   f32t, f16t a linear [out, in] stored transposed, [in, out]
 *   w8         a linear: int8 data [in, out], f32 scales [out]; value = data × scale (symmetric, −127 … 127)
 *   w7         as w8, −64 … 64: two products with unsigned bytes, 2 · 255 · 64, stay below 2¹⁵
 *   q4         a linear: data uint8 [out, K, block / 2] with K = ceil(in / block) blocks, two weights a byte (even index in the
 *              low nibble), scales f16 [out, K]; value = (nibble − 8) × scale; the last block is padded with 8
 *   q8         rows of a table [rows, columns]: int8 data [rows, K × 32], scales f16 [rows, K], K = ceil(columns / 32); padded with 0
 *   q8u        a linear [out, in] as q8 but for the sign: uint8, value = (byte − 128) × scale; padded with 128
 *   r8         a kernel or matrix [out, …] that is widened before it is multiplied with: int8 row-major in the logical shape,
 *              f32 scales [out]; value = data × scale
 */
export const tensorEncodings = [
  "f32",
  "f16",
  "f32t",
  "f16t",
  "w8",
  "w7",
  "q4",
  "q8",
  "q8u",
  "r8",
] as const;

/** One of `tensorEncodings`. */
export type TensorEncoding = (typeof tensorEncodings)[number];

/** Sizes that a block of `q4` weights can have. */
export const q4Blocks = [32, 64, 128] as const;

/** One of `q4Blocks`. */
export type Q4Block = (typeof q4Blocks)[number];

/** The block of a `q4` tensor that names none: the only one there was in bundles of 0.1.0. */
export const STANDARD_Q4_BLOCK: Q4Block = 32;

/** Numbers per block of `q8` and `q8u`. */
export const Q8_BLOCK = 32;

/** Alignment of every tensor in a stage, in bytes: a cache line, and what 512-bit loads want. */
export const TENSOR_ALIGNMENT = 64;

/** A stage whose bytes have all arrived and whose shards' hashes are right. */
export interface LoadedStage {
  readonly layout: StageLayout;
  readonly bytes: Uint8Array;
}

/** Name of the stage that holds decoder layer `index`. */
export function layerStage(index: number): StageName {
  return `layer-${String(index).padStart(2, "0")}`;
}

/** Names of all stages that an architecture has, in the order of a forward pass. */
export function stageNames(architecture: Architecture): StageName[] {
  const layers = Array.from({ length: architecture.language.layers }, (_, index) =>
    layerStage(index),
  );
  const sight = architecture.vision === undefined ? [] : ["vision", "projector"];
  return [...sight, "embed", ...layers, "head"];
}
