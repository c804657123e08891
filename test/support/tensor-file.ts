import * as z from "zod";

/** One array of a safetensors file. */
export interface StoredArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Uint8Array | Int32Array | Float32Array | Float64Array;
}

const headerSchema = z.record(
  z.string(),
  z.object({
    dtype: z.string(),
    shape: z.array(z.number()),
    data_offsets: z.tuple([z.number(), z.number()]),
  }),
);

/** Reads a whole safetensors file with the dtypes that the reference vectors use. Test data only: it trusts the file. */
export function readTensorFile(file: Uint8Array): ReadonlyMap<string, StoredArray> {
  const bytes = new Uint8Array(file); // A Buffer's slice would share its memory.
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = headerSchema.parse(
    JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))),
  );
  return new Map(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        const raw = bytes.slice(8 + headerBytes + start, 8 + headerBytes + end).buffer;
        return [name, { dtype, shape, data: typed(dtype, raw) }];
      },
    ),
  );
}

function typed(dtype: string, raw: ArrayBuffer): StoredArray["data"] {
  switch (dtype) {
    case "U8":
      return new Uint8Array(raw);
    case "I32":
      return new Int32Array(raw);
    case "F32":
      return new Float32Array(raw);
    case "F64":
      return new Float64Array(raw);
    default:
      throw new Error(`the reference vectors hold no ${dtype}`);
  }
}
