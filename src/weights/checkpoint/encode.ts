import { STANDARD_Q4_BLOCK, type TensorEntry } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import { rowWidth } from "../layout.ts";
import { packQ4, unpackQ4 } from "../q4.ts";
import {
  INT8_LIMITS,
  packInt8Rows,
  packQ8,
  packQ8u,
  packR8,
  transposeRows,
  unpackQ8,
  unpackQ8u,
  unpackR8,
  widenBf16,
} from "../quant.ts";
import { WeightsError } from "../weights-error.ts";
import type { LocatedTensor } from "./checkpoint.ts";
import { DTYPE_BYTES, type SafetensorsDtype } from "./safetensors.ts";

/** What encoding did to a tensor, in the tensor's own unit. */
export interface EncodingError {
  readonly maxError: number;
  readonly rmsError: number;
  /** Root mean square of the source, to judge the others by. */
  readonly rmsSource: number;
}

/** Encoded bytes in the order in which they lie: all of `data`, then all of `scales`. */
export interface EncodedPiece {
  readonly part: "data" | "scales";
  readonly bytes: Uint8Array;
}

/** Source rows that are worked on at once take about this many bytes as f32: large enough to stream, small beside a tensor. */
const CHUNK_BYTES: number = 1024 * 1024;

/**
 * Reads a tensor row by row and encodes it. Row-major encodings leave as they are made; transposed ones need the whole
 * encoded tensor at once, which is the peak of a conversion. Little-endian hosts only, like every engine this runs on.
 *
 * The generator returns what encoding cost. Throws WeightsError `tensor_not_finite` for NaN, infinities and scales beyond f16.
 */
export async function* encodeTensor(
  tensor: LocatedTensor,
  entry: TensorEntry,
  signal?: AbortSignal,
): AsyncGenerator<EncodedPiece, EncodingError> {
  const columns = rowWidth(entry);
  const encoder = createEncoder(entry, columns);
  const errors = errorMeter(tensor);
  let firstRow = 0;
  for await (const rows of readRows(tensor, columns, signal)) {
    const { bytes, decoded } = encoder.push(rows, firstRow);
    errors.add(rows, decoded);
    firstRow += rows.length / columns;
    if (bytes !== undefined) yield { part: "data", bytes };
  }
  yield* encoder.finish();
  return errors.total();
}

interface RowEncoder {
  /** Takes whole rows; `decoded` is what will be read back in their place, absent where that is the rows themselves. */
  push(
    rows: Float32Array<ArrayBuffer>,
    firstRow: number,
  ): { readonly bytes?: Uint8Array; readonly decoded?: Float32Array };
  finish(): EncodedPiece[];
}

function createEncoder(
  { shape, encoding, block = STANDARD_Q4_BLOCK }: TensorEntry,
  columns: number,
): RowEncoder {
  const count = elementCount(shape);
  const outputs = count / columns;
  switch (encoding) {
    case "f32":
      return { push: (rows) => ({ bytes: bytesOf(rows) }), finish: () => [] };
    case "f16":
      return {
        push: (rows) => {
          const halves = new Float16Array(rows);
          return { bytes: bytesOf(halves), decoded: new Float32Array(halves) };
        },
        finish: () => [],
      };
    case "f32t":
    case "f16t":
      return transposingEncoder(
        encoding === "f32t" ? new Float32Array(count) : new Float16Array(count),
        columns,
        outputs,
      );
    case "w8":
    case "w7":
      return int8Encoder(columns, outputs, INT8_LIMITS[encoding]);
    case "q4":
      return blockEncoder(
        (rows) => packQ4(rows, columns, block),
        (packed) => unpackQ4(packed, columns, block),
      );
    case "q8":
      return blockEncoder(
        (rows) => packQ8(rows, columns),
        (packed) => unpackQ8(packed, columns),
      );
    case "q8u":
      return blockEncoder(
        (rows) => packQ8u(rows, columns),
        (packed) => unpackQ8u(packed, columns),
      );
    case "r8":
      return blockEncoder(
        (rows) => packR8(rows, columns),
        (packed) => unpackR8(packed, columns),
      );
    default:
      throw new RangeError(`no such encoding: ${encoding satisfies never}`);
  }
}

function transposingEncoder(
  transposed: Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer>,
  columns: number,
  outputs: number,
): RowEncoder {
  const isHalf = transposed instanceof Float16Array;
  return {
    push: (rows, firstRow) => {
      transposeRows(rows, columns, firstRow, outputs, transposed);
      return isHalf ? { decoded: new Float32Array(new Float16Array(rows)) } : {};
    },
    finish: () => [{ part: "data", bytes: bytesOf(transposed) }],
  };
}

function int8Encoder(columns: number, outputs: number, limit: number): RowEncoder {
  const packed = { data: new Int8Array(columns * outputs), scales: new Float32Array(outputs) };
  return {
    push: (rows, firstRow) => {
      packInt8Rows(rows, columns, firstRow, limit, packed);
      const decoded = new Float32Array(rows.length);
      for (let index = 0; index < rows.length; index++) {
        const row = firstRow + Math.floor(index / columns);
        decoded[index] = packed.data[(index % columns) * outputs + row]! * packed.scales[row]!;
      }
      return { decoded };
    },
    finish: () => [
      { part: "data", bytes: bytesOf(packed.data) },
      { part: "scales", bytes: bytesOf(packed.scales) },
    ],
  };
}

function blockEncoder<
  Data extends Uint8Array | Int8Array,
  Scales extends Float16Array | Float32Array,
>(
  pack: (rows: Float32Array) => { data: Data; scales: Scales },
  unpack: (packed: { data: Data; scales: Scales }) => Float32Array,
): RowEncoder {
  const scales: Uint8Array[] = [];
  return {
    push: (rows) => {
      const packed = pack(rows);
      scales.push(bytesOf(packed.scales));
      return { bytes: bytesOf(packed.data), decoded: unpack(packed) };
    },
    finish: () => scales.map((bytes) => ({ part: "scales", bytes })),
  };
}

/** Yields whole rows as f32, about `CHUNK_BYTES` at a time (at least one row); they are valid until the next are asked for. */
export async function* readRows(
  tensor: LocatedTensor,
  columns: number,
  signal: AbortSignal | undefined,
): AsyncIterable<Float32Array<ArrayBuffer>> {
  const rowBytes = columns * DTYPE_BYTES[tensor.dtype];
  const rowsAtOnce = Math.max(1, Math.floor(CHUNK_BYTES / (columns * 4)));
  const wholeBytes = Math.min(rowsAtOnce * rowBytes, tensor.bytes);
  const pending = new Uint8Array(wholeBytes);
  let filled = 0;
  for await (const chunk of tensor.source.stream(tensor.offset, tensor.bytes, signal)) {
    for (let taken = 0; taken < chunk.byteLength; ) {
      const part = chunk.subarray(taken, taken + pending.byteLength - filled);
      pending.set(part, filled);
      filled += part.byteLength;
      taken += part.byteLength;
      if (filled === pending.byteLength) {
        yield widen(pending, tensor.dtype);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield widen(pending.slice(0, filled), tensor.dtype);
}

function widen(bytes: Uint8Array<ArrayBuffer>, dtype: SafetensorsDtype): Float32Array<ArrayBuffer> {
  switch (dtype) {
    case "F32":
      return new Float32Array(bytes.buffer);
    case "F16":
      return new Float32Array(new Float16Array(bytes.buffer));
    case "BF16":
      return widenBf16(new Uint16Array(bytes.buffer));
    default:
      throw new RangeError(`no such type: ${dtype satisfies never}`);
  }
}

function errorMeter(tensor: LocatedTensor): {
  add(source: Float32Array, decoded: Float32Array | undefined): void;
  total(): EncodingError;
} {
  let maxError = 0;
  let squaredErrors = 0;
  let squares = 0;
  return {
    add(source, decoded = source) {
      for (let index = 0; index < source.length; index++) {
        const value = source[index]!;
        const error = Math.abs(decoded[index]! - value);
        if (!(error < Infinity)) {
          throw new WeightsError(
            "tensor_not_finite",
            `${tensor.name} in ${tensor.fileName} holds ${value}, which its encoding cannot carry`,
          );
        }
        if (error > maxError) maxError = error;
        squaredErrors += error * error;
        squares += value * value;
      }
    },
    total() {
      const count = elementCount(tensor.shape);
      return {
        maxError,
        rmsError: Math.sqrt(squaredErrors / count),
        rmsSource: Math.sqrt(squares / count),
      };
    },
  };
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
