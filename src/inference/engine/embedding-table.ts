import {
  type ByteRange,
  type LoadedStage,
  QUANTISATION_BLOCK,
  type TensorEntry,
} from "#domain/bundle.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";

/** The embedding stage: rows are read out of its bytes one by one, never through a matrix product. */
export interface EmbeddingTable {
  /** Rows of the table as vectors [ids.length, D]. Throws RangeError for an id outside the table. */
  rows(ids: readonly number[]): Tensor;
}

/** Opens a loaded `embed` stage and keeps its bytes. Throws if its table is missing or has no rows to read. */
export function openEmbeddingTable(stage: LoadedStage): EmbeddingTable {
  const entry = entryOf(stage, "weight");
  const [rowCount = 0, width = 0] = entry.shape;
  const readRow = rowReader(stage.bytes, entry, width);
  return {
    rows(ids) {
      const vectors = new Float32Array(ids.length * width);
      for (const [index, id] of ids.entries()) {
        if (!Number.isInteger(id) || id < 0 || id >= rowCount) {
          throw new RangeError(`token id ${id} is outside the vocabulary of ${rowCount}`);
        }
        vectors.set(readRow(id), index * width);
      }
      return tensor([ids.length, width], vectors);
    },
  };
}

/** Reads a whole tensor of one dimension, such as `image_newline`, out of a stage. Throws if there is none of that name. */
export function readVector(stage: LoadedStage, name: string): Float32Array {
  const entry = entryOf(stage, name);
  return rowReader(stage.bytes, entry, entry.shape[0] ?? 0)(0);
}

function entryOf(stage: LoadedStage, name: string): TensorEntry {
  const entry = stage.layout.tensors.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`stage ${stage.layout.name} has no tensor ${name}`);
  return entry;
}

function rowReader(
  bytes: Uint8Array,
  entry: TensorEntry,
  width: number,
): (row: number) => Float32Array {
  const { name, encoding, data, scales } = entry;
  if (encoding === "f32") return (row) => new Float32Array(copyRow(bytes, data, row, width * 4));
  if (encoding === "f16") {
    return (row) => Float32Array.from(new Float16Array(copyRow(bytes, data, row, width * 2)));
  }
  if (encoding !== "q8" || scales === undefined) {
    throw new Error(`${name} is stored as ${encoding}, which has no rows to read`);
  }
  const blocks = Math.ceil(width / QUANTISATION_BLOCK);
  return (row) => {
    const steps = new Int8Array(copyRow(bytes, data, row, blocks * QUANTISATION_BLOCK));
    const sizes = new Float16Array(copyRow(bytes, scales, row, blocks * 2));
    return Float32Array.from(
      { length: width },
      (_, column) => (steps[column] ?? 0) * (sizes[Math.floor(column / QUANTISATION_BLOCK)] ?? 0),
    );
  };
}

/** A copy, because a view of 2- or 4-byte numbers must be aligned in memory, which a slice of somebody's buffer need not be. */
function copyRow(bytes: Uint8Array, range: ByteRange, row: number, rowBytes: number): ArrayBuffer {
  const start = range.offset + row * rowBytes;
  const copy = new Uint8Array(rowBytes);
  copy.set(bytes.subarray(start, start + rowBytes));
  return copy.buffer;
}
