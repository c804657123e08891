import type { Architecture } from "#domain/architecture.ts";
import type { StageName } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import { memorySource } from "../source.ts";
import { WeightsError } from "../weights-error.ts";
import { readRows } from "./encode.ts";
import type { LocatedTensor } from "./locate-tensors.ts";

/**
 * The smallest group of channels that is worth mixing: an outlier is spread over its group, and is still √(group) times smaller there.
 */
const SMALLEST_GROUP = 32;

/** Turns vectors of the residual stream in place, `values` holding whole ones one after another. Its own inverse but for the signs. */
export interface Rotation {
  readonly width: number;
  turn(values: Float32Array): void;
}

/**
 * The rotation R of a residual stream: signs that look drawn at random, then a Walsh–Hadamard transform over groups of channels, as large as
 * the largest power of two that divides the width (the whole width of the 8B), over √group. It is orthogonal, so that
 * lengths, and with them RMS norms, stay; an outlier channel becomes a little of every channel, and no channel needs a coarser step.
 * Source: QuaRot, arXiv 2404.00456.
 *
 * Throws WeightsError `checkpoint_unsupported` for a width with no group worth mixing.
 */
export function residualRotation({ language }: Architecture): Rotation {
  const width = language.hiddenSize;
  const group = width & -width;
  if (group < SMALLEST_GROUP) {
    throw new WeightsError(
      "checkpoint_unsupported",
      `a residual stream of ${width} channels cannot be rotated: its largest power of two is ${group}, less than ${SMALLEST_GROUP}`,
    );
  }
  return {
    width,
    turn(values) {
      for (let start = 0; start < values.length; start += width) {
        for (let channel = 0; channel < width; channel++) {
          if (isNegative(channel)) values[start + channel] = -values[start + channel]!;
        }
        for (let first = start; first < start + width; first += group) {
          hadamard(values.subarray(first, first + group), 1);
        }
      }
    },
  };
}

/** What a tensor becomes when everything that reads or writes the residual stream is turned with it. */
type Turning =
  /** Vectors of the stream itself, or rows that read it, which then also take in the weights of the norm before them. */
  | { readonly kind: "rows"; readonly norm?: string }
  /** A linear that writes into the stream. */
  | { readonly kind: "outputs" }
  /** A norm whose weights have gone into the linears behind it. */
  | { readonly kind: "ones" };

const LAYER_TURNINGS: Readonly<Record<string, Turning>> = {
  "input_layernorm.weight": { kind: "ones" },
  "self_attn.q_proj.weight": { kind: "rows", norm: "input_layernorm.weight" },
  "self_attn.k_proj.weight": { kind: "rows", norm: "input_layernorm.weight" },
  "self_attn.v_proj.weight": { kind: "rows", norm: "input_layernorm.weight" },
  "self_attn.o_proj.weight": { kind: "outputs" },
  "post_attention_layernorm.weight": { kind: "ones" },
  "mlp.gate_proj.weight": { kind: "rows", norm: "post_attention_layernorm.weight" },
  "mlp.up_proj.weight": { kind: "rows", norm: "post_attention_layernorm.weight" },
  "mlp.down_proj.weight": { kind: "outputs" },
};

const STAGE_TURNINGS: Readonly<Record<string, Readonly<Record<string, Turning>>>> = {
  projector: {
    "2.weight": { kind: "outputs" },
    "2.bias": { kind: "rows" },
    image_newline: { kind: "rows" },
  },
  embed: { weight: { kind: "rows" } },
  head: { "norm.weight": { kind: "ones" }, weight: { kind: "rows", norm: "norm.weight" } },
};

/**
 * Returns a tensor as it is to be stored when the residual stream is rotated: with all of them turned, the network computes the same in exact
 * arithmetic. A tensor that neither reads nor writes the stream is returned as it is.
 *
 * @param find another tensor of the same stage
 */
export async function rotated(
  rotation: Rotation,
  stage: StageName,
  name: string,
  find: (name: string) => LocatedTensor,
  signal?: AbortSignal,
): Promise<LocatedTensor> {
  const tensor = find(name);
  const turnings = stage.startsWith("layer-") ? LAYER_TURNINGS : STAGE_TURNINGS[stage];
  const turning = turnings?.[name];
  if (turning === undefined) return tensor;
  if (turning.kind === "ones") {
    return inMemory(tensor, new Float32Array(elementCount(tensor.shape)).fill(1));
  }
  if (turning.kind === "outputs") {
    const values = await readAll(tensor, signal);
    turnColumns(values, rotation);
    return inMemory(tensor, values);
  }
  const { norm } = turning;
  const weights = norm === undefined ? undefined : await readAll(find(norm), signal);
  return withRows(tensor, rotation, weights);
}

/** The tensor with each of its rows scaled and turned as it is read. */
function withRows(
  tensor: LocatedTensor,
  rotation: Rotation,
  weights: Float32Array | undefined,
): LocatedTensor {
  const { width } = rotation;
  const bytes = elementCount(tensor.shape) * Float32Array.BYTES_PER_ELEMENT;
  async function* stream(_: number, __: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    for await (const rows of readRows(tensor, width, signal)) {
      if (weights !== undefined) {
        for (let index = 0; index < rows.length; index++) {
          rows[index] = rows[index]! * weights[index % width]!;
        }
      }
      rotation.turn(rows);
      yield new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    }
  }
  const slice = () => Promise.reject(new Error("a rotated tensor is read as a stream"));
  return {
    ...tensor,
    dtype: "F32",
    offset: 0,
    bytes,
    source: { byteLength: bytes, slice, stream },
  };
}

/** Turns each column of a linear [width, in], which is what it writes into the stream. */
function turnColumns(values: Float32Array, { width }: Rotation): void {
  const inputs = values.length / width;
  const group = width & -width;
  for (let channel = 0; channel < width; channel++) {
    if (!isNegative(channel)) continue;
    for (let index = channel * inputs; index < (channel + 1) * inputs; index++) {
      values[index] = -values[index]!;
    }
  }
  for (let first = 0; first < width; first += group) {
    hadamard(values.subarray(first * inputs, (first + group) * inputs), inputs);
  }
}

/** Walsh–Hadamard transform of `values` as rows of `stride` numbers, over √rows, in place. */
function hadamard(values: Float32Array, stride: number): void {
  const length = values.length;
  const factor = 1 / Math.sqrt(length / stride);
  for (let half = stride; half < length; half *= 2) {
    const scale = half === stride ? factor : 1;
    for (let start = 0; start < length; start += 2 * half) {
      for (let index = start; index < start + half; index++) {
        const left = values[index]! * scale;
        const right = values[index + half]! * scale;
        values[index] = left + right;
        values[index + half] = left - right;
      }
    }
  }
}

/** A sign for each channel that follows no pattern a transform would know: the lowest bit of MurmurHash3's finaliser. */
function isNegative(channel: number): boolean {
  let mixed = Math.imul(channel + 1, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) & 1) === 1;
}

async function readAll(
  tensor: LocatedTensor,
  signal: AbortSignal | undefined,
): Promise<Float32Array<ArrayBuffer>> {
  const columns = tensor.shape[tensor.shape.length - 1] ?? 1;
  const values = new Float32Array(elementCount(tensor.shape));
  let filled = 0;
  for await (const rows of readRows(tensor, columns, signal)) {
    values.set(rows, filled);
    filled += rows.length;
  }
  return values;
}

function inMemory(tensor: LocatedTensor, values: Float32Array<ArrayBuffer>): LocatedTensor {
  const source = memorySource(new Uint8Array(values.buffer));
  return { ...tensor, dtype: "F32", offset: 0, bytes: values.byteLength, source };
}
