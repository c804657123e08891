import {
  type ByteRange,
  type LoadedStage,
  Q8_BLOCK,
  type StageLayout,
  type TensorEntry,
} from "#domain/bundle.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";

/** The embedding stage: rows are read out of its bytes one by one, never through a matrix product. */
export interface EmbeddingTable {
  /** Rows of the table as vectors [ids.length, D]. Rejects with RangeError for an id outside the table. */
  rows(ids: readonly number[]): Promise<Tensor>;
}

/** Reads a range of a stage's bytes, wherever they lie now; the result is the caller's own. */
export type ReadBytes = (offset: number, bytes: number) => ArrayBuffer | Promise<ArrayBuffer>;

/**
 * Opens an `embed` stage that has been verified.
 * @param read where its bytes are; absent: they stay in memory
 * Throws if its table is missing or has no rows to read.
 */
export function openEmbeddingTable(
  stage: LoadedStage,
  read: ReadBytes = inMemory(stage),
): EmbeddingTable {
  const entry = entryOf(stage.layout, "weight");
  const [rowCount = 0, width = 0] = entry.shape;
  const readRow = rowReader(read, entry, width);
  return {
    async rows(ids) {
      for (const id of ids) {
        if (Number.isInteger(id) && id >= 0 && id < rowCount) continue;
        throw new RangeError(`token id ${id} is outside the vocabulary of ${rowCount}`);
      }
      // A canvas is one id many times over.
      const distinct = [...new Set(ids)];
      const read = await Promise.all(distinct.map((id) => readRow(id)));
      const rows = new Map(distinct.map((id, index) => [id, read[index]]));
      const vectors = new Float32Array(ids.length * width);
      for (const [index, id] of ids.entries()) vectors.set(rows.get(id) ?? [], index * width);
      return tensor([ids.length, width], vectors);
    },
  };
}

/** Reads a whole tensor of one dimension, such as `image_newline`, out of a stage. Throws if there is none of that name. */
export function readVector(stage: LoadedStage, name: string): Promise<Float32Array> {
  const entry = entryOf(stage.layout, name);
  return rowReader(inMemory(stage), entry, entry.shape[0] ?? 0)(0);
}

function entryOf(layout: StageLayout, name: string): TensorEntry {
  const entry = layout.tensors.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`stage ${layout.name} has no tensor ${name}`);
  return entry;
}

/** A copy, because a view of 2- or 4-byte numbers must be aligned in memory, which a slice of somebody's buffer need not be. */
function inMemory({ bytes }: LoadedStage): ReadBytes {
  return (offset, length) => {
    const copy = new Uint8Array(length);
    copy.set(bytes.subarray(offset, offset + length));
    return copy.buffer;
  };
}

function rowReader(
  read: ReadBytes,
  entry: TensorEntry,
  width: number,
): (row: number) => Promise<Float32Array> {
  const { name, encoding, data, scales } = entry;
  const readRow = async (range: ByteRange, row: number, rowBytes: number): Promise<ArrayBuffer> =>
    await read(range.offset + row * rowBytes, rowBytes);
  if (encoding === "f32") {
    return async (row) => new Float32Array(await readRow(data, row, width * 4));
  }
  if (encoding === "f16") {
    return async (row) => Float32Array.from(new Float16Array(await readRow(data, row, width * 2)));
  }
  if (encoding !== "q8" || scales === undefined) {
    throw new Error(`${name} is stored as ${encoding}, which has no rows to read`);
  }
  const blocks = Math.ceil(width / Q8_BLOCK);
  return async (row) => {
    const steps = new Int8Array(await readRow(data, row, blocks * Q8_BLOCK));
    const sizes = new Float16Array(await readRow(scales, row, blocks * 2));
    return Float32Array.from(
      { length: width },
      (_, column) => (steps[column] ?? 0) * (sizes[Math.floor(column / Q8_BLOCK)] ?? 0),
    );
  };
}
