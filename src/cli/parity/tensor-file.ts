import type { Shape } from "#domain/tensor.ts";

/** One array of a safetensors file, its numbers as they are. */
export interface StoredArray {
  readonly shape: Shape;
  readonly data: Uint8Array | Int32Array | Float32Array | Float64Array;
}

const arrayTypes: Readonly<Record<string, (bytes: ArrayBuffer) => StoredArray["data"]>> = {
  U8: (bytes) => new Uint8Array(bytes),
  I32: (bytes) => new Int32Array(bytes),
  F32: (bytes) => new Float32Array(bytes),
  F64: (bytes) => new Float64Array(bytes),
};

/**
 * Reads a whole file of reference arrays. Throws an Error that names the array if one has a type that no reference uses.
 * The file is the developer's own, so its sizes are trusted. Source: huggingface.co/docs/safetensors, "Format".
 */
export function readTensorFile(file: Uint8Array): ReadonlyMap<string, StoredArray> {
  const headerBytes = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }> =
    JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)));
  const arrays = new Map<string, StoredArray>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start = 0, end = 0] = entry.data_offsets;
    const open = arrayTypes[entry.dtype];
    if (open === undefined) throw new Error(`${name} has type ${entry.dtype}`);
    // A copy, because the file's arrays need not be aligned as views must be.
    const bytes = new Uint8Array(end - start);
    bytes.set(file.subarray(8 + headerBytes + start, 8 + headerBytes + end));
    arrays.set(name, { shape: entry.shape, data: open(bytes.buffer) });
  }
  return arrays;
}

/** The arrays of one file by name. */
export interface NamedArrays {
  readonly names: readonly string[];
  /** Throws an Error that names file and array if there is none of that name. */
  get(name: string): StoredArray;
}

/** Reads a file whose arrays are all expected to be there. */
export function namedArrays(content: Uint8Array, file: string): NamedArrays {
  const arrays = readTensorFile(content);
  return {
    names: [...arrays.keys()],
    get(name) {
      const found = arrays.get(name);
      if (found === undefined) throw new Error(`${file} has no array ${name}`);
      return found;
    },
  };
}
