import {
  Q8_BLOCK,
  STANDARD_Q4_BLOCK,
  type TensorEncoding,
  type TensorEntry,
} from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import type { EncodedPiece } from "../checkpoint/row-encoder.ts";

/** Bytes that are made at once: a multiple of every word size, small beside a shard. */
const CHUNK_BYTES: number = 4 * 1024 * 1024;

/** Root mean square of 4-bit levels −8 … 7 drawn evenly: √(344 / 16). */
const Q4_RMS = 4.637;
/** Of odd levels −127 … 127 drawn evenly. */
const INT8_RMS = 73.3;
/** Of odd levels −63 … 63. */
const INT7_RMS = 36.9;
/** Of ±[1, 2) drawn evenly: √(7 / 3). */
const MANTISSA_RMS = 1.5275;

/**
 * Makes a tensor's encoded bytes at random, without ever having its numbers: bits that mean evenly spread values are drawn
 * directly, some 2 GB/s. Norm weights are one and biases zero; the rest is as large as keeps activations in range.
 * Equal seeds give equal bytes.
 */
export function* randomTensor(entry: TensorEntry, seed: number): Generator<EncodedPiece> {
  const { name, shape, encoding, block = STANDARD_Q4_BLOCK, data, scales } = entry;
  const columns = shape[shape.length - 1] ?? 1;
  if (/norm\d?\.weight$/.test(name) || name.endsWith("bias")) {
    const ones = new Float32Array(elementCount(shape)).fill(name.endsWith("bias") ? 0 : 1);
    yield { part: "data", bytes: new Uint8Array(ones.buffer) };
    return;
  }
  const rms = rmsFor(entry);
  const { keep, set } = wordMasks(encoding, rms);
  const draw = xorshift(seed);
  const rowBytes = paddedRowBytes(encoding, columns, block);
  const chunkBytes =
    rowBytes === undefined
      ? CHUNK_BYTES
      : rowBytes * Math.max(1, Math.floor(CHUNK_BYTES / rowBytes));
  for (let made = 0; made < data.bytes; made += chunkBytes) {
    const bytes = Math.min(chunkBytes, data.bytes - made);
    const words = new Uint32Array(Math.ceil(bytes / 4));
    draw(words, keep, set);
    const chunk = new Uint8Array(words.buffer, 0, bytes);
    if (encoding === "w7") halve(chunk);
    if (rowBytes !== undefined) clearPadding(chunk, encoding, columns, rowBytes);
    yield { part: "data", bytes: chunk };
  }
  if (scales === undefined) return;
  const constant =
    encoding === "w8" || encoding === "w7" || encoding === "r8"
      ? new Float32Array(scales.bytes / 4).fill(rms / (encoding === "w7" ? INT7_RMS : INT8_RMS))
      : new Float16Array(scales.bytes / 2).fill(rms / (encoding === "q4" ? Q4_RMS : INT8_RMS));
  yield { part: "scales", bytes: new Uint8Array(constant.buffer) };
}

/** Derives a seed for one tensor. Source: finaliser of MurmurHash3. */
export function mixSeed(seed: number, ...parts: readonly number[]): number {
  let mixed = seed | 0;
  for (const part of parts) {
    mixed = Math.imul(mixed ^ part, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    mixed ^= mixed >>> 16;
  }
  return mixed;
}

/** A linear keeps the size of what goes through it at 1 / √inputs; half of that lets residuals add up for many layers. */
function rmsFor({ name, shape }: TensorEntry): number {
  if (name.includes("position") || name === "image_newline") return 0.02;
  const inputs = elementCount(shape.slice(1));
  return 0.5 / Math.sqrt(inputs);
}

/** Which of a word's 32 bits are left to chance, and what the others are. */
function wordMasks(encoding: TensorEncoding, rms: number): { keep: number; set: number } {
  const exponent = Math.round(Math.log2(rms / MANTISSA_RMS));
  switch (encoding) {
    case "q4":
      return { keep: 0xffff_ffff, set: 0 };
    case "q8":
    case "q8u":
    case "w8":
    case "w7":
    case "r8":
      return { keep: 0xfefe_fefe, set: 0x0101_0101 }; // odd, so −128 (0 in q8u) never comes up
    case "f16":
    case "f16t": {
      const half = (exponent + 15) << 10;
      return { keep: 0x83ff_83ff, set: (half << 16) | half };
    }
    case "f32":
    case "f32t":
      return { keep: 0x807f_ffff, set: (exponent + 127) << 23 };
    default:
      throw new RangeError(`no such encoding: ${encoding satisfies never}`);
  }
}

/** Marsaglia's 32-bit xorshift with shifts 13, 17, 5; its period of 2³² − 1 words is longer than any tensor. */
function xorshift(seed: number): (words: Uint32Array, keep: number, set: number) => void {
  let state = seed | 0 || 0x9e37_79b9;
  return (words, keep, set) => {
    let word = state;
    for (let index = 0; index < words.length; index++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      words[index] = (word & keep) | set;
    }
    state = word;
  };
}

/** Bytes of a row that ends in padding; undefined where rows need none. */
function paddedRowBytes(
  encoding: TensorEncoding,
  columns: number,
  q4Block: number,
): number | undefined {
  if (encoding !== "q4" && encoding !== "q8" && encoding !== "q8u") return undefined;
  const block = encoding === "q4" ? q4Block : Q8_BLOCK;
  if (columns % block === 0) return undefined;
  const numbers = Math.ceil(columns / block) * block;
  return encoding === "q4" ? numbers / 2 : numbers;
}

/** Brings levels −127 … 127 into the range of w7. */
function halve(chunk: Uint8Array<ArrayBuffer>): void {
  const levels = new Int8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  for (let index = 0; index < levels.length; index++) levels[index] = levels[index]! >> 1;
}

function clearPadding(
  chunk: Uint8Array,
  encoding: TensorEncoding,
  columns: number,
  rowBytes: number,
): void {
  const used = encoding === "q4" ? Math.ceil(columns / 2) : columns;
  const zero = { q4: 0x88, q8u: 0x80 };
  const padding = encoding === "q4" || encoding === "q8u" ? zero[encoding] : 0;
  for (let row = 0; row < chunk.byteLength; row += rowBytes) {
    chunk.fill(padding, row + used, row + rowBytes);
  }
}
