import type { TensorEntry } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
import { rowWidth } from "../layout.ts";
import { widenBf16 } from "../quant.ts";
import { WeightsError } from "../weights-error.ts";
import type { LocatedTensor } from "./locate-tensors.ts";
import { createRowEncoder, type EncodedPiece } from "./row-encoder.ts";
import { DTYPE_BYTES, type SafetensorsDtype } from "./safetensors.ts";

/** What encoding did to a tensor, in the tensor's own unit. */
export interface EncodingError {
  readonly maxError: number;
  readonly rmsError: number;
  /** Root mean square of the source, to judge the others by. */
  readonly rmsSource: number;
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
  const encoder = createRowEncoder(entry, columns);
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
