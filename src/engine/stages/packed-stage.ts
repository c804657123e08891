import {
  type LoadedStage,
  type Q4Block,
  STANDARD_Q4_BLOCK,
  type StageName,
  TENSOR_ALIGNMENT,
  type TensorEncoding,
  type TensorEntry,
} from "#domain/bundle.ts";
import type { Shape } from "#domain/tensor.ts";
import { rowWidth } from "#weights/layout.ts";
import { packQ4, unpackQ4 } from "#weights/q4.ts";
import {
  INT8_LIMITS,
  packInt8,
  packQ8,
  packQ8u,
  packR8,
  transposeRows,
  unpackInt8,
  unpackQ8,
  unpackQ8u,
  unpackR8,
} from "#weights/quant.ts";

/** A tensor before it is packed: its numbers in the logical shape, and the encoding to pack them in. */
export interface UnpackedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly encoding: TensorEncoding;
  /** Of a q4 tensor; `STANDARD_Q4_BLOCK` if absent. */
  readonly block?: Q4Block;
  readonly values: Float32Array;
}

/** A stage in memory, and the numbers that its bytes stand for once the encoding's rounding is in them. */
export interface PackedStage extends LoadedStage {
  readonly weights: (name: string) => Float32Array | undefined;
}

/** Packs tensors into a stage as a bundle has it, 64-byte aligned, without shards: for checks that need weights of any kind at hand. */
export function packStage(name: StageName, tensors: readonly UnpackedTensor[]): PackedStage {
  const pieces: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  const weights = new Map<string, Float32Array>();
  const entries: TensorEntry[] = [];
  let end = 0;
  const place = ({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBuffer>) => {
    const offset = Math.ceil(end / TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT;
    pieces.push({ offset, bytes: new Uint8Array(buffer, byteOffset, byteLength) });
    end = offset + byteLength;
    return { offset, bytes: byteLength };
  };
  for (const { name: tensorName, shape, encoding, block, values } of tensors) {
    const { data, scales, stored } = encode(values, shape, encoding, block);
    entries.push({
      name: tensorName,
      shape,
      encoding,
      ...(block === undefined ? {} : { block }),
      data: place(data),
      ...(scales === undefined ? {} : { scales: place(scales) }),
    });
    weights.set(tensorName, stored);
  }
  const bytes = new Uint8Array(end);
  for (const piece of pieces) bytes.set(piece.bytes, piece.offset);
  return {
    layout: { name, bytes: end, shards: [], tensors: entries },
    bytes,
    weights: (tensorName) => weights.get(tensorName),
  };
}

interface Encoded {
  readonly data: ArrayBufferView<ArrayBuffer>;
  readonly scales?: ArrayBufferView<ArrayBuffer>;
  /** What reading it back gives. */
  readonly stored: Float32Array;
}

function encode(
  values: Float32Array,
  shape: Shape,
  encoding: TensorEncoding,
  block: Q4Block = STANDARD_Q4_BLOCK,
): Encoded {
  const columns = rowWidth({ shape, encoding });
  const rows = values.length / columns;
  switch (encoding) {
    case "f32":
      return { data: Float32Array.from(values), stored: values };
    case "f16":
      return rounded(Float16Array.from(values));
    case "f32t": {
      const data = new Float32Array(values.length);
      transposeRows(values, columns, 0, rows, data);
      return { data, stored: values };
    }
    case "f16t": {
      const data = new Float16Array(values.length);
      transposeRows(values, columns, 0, rows, data);
      return { data, stored: Float32Array.from(Float16Array.from(values)) };
    }
    case "w8":
    case "w7": {
      const packed = packInt8(values, columns, INT8_LIMITS[encoding]);
      return { ...packed, stored: unpackInt8(packed, columns) };
    }
    case "q4": {
      const packed = packQ4(values, columns, block);
      return { ...packed, stored: unpackQ4(packed, columns, block) };
    }
    case "q8": {
      const packed = packQ8(values, columns);
      return { ...packed, stored: unpackQ8(packed, columns) };
    }
    case "q8u": {
      const packed = packQ8u(values, columns);
      return { ...packed, stored: unpackQ8u(packed, columns) };
    }
    case "r8": {
      const packed = packR8(values, columns);
      return { ...packed, stored: unpackR8(packed, columns) };
    }
    default:
      throw new RangeError(`no such encoding: ${encoding satisfies never}`);
  }
}

function rounded(data: Float16Array<ArrayBuffer>): Encoded {
  return { data, stored: Float32Array.from(data) };
}
