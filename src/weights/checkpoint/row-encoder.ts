import { STANDARD_Q4_BLOCK, type TensorEntry } from "#domain/bundle.ts";
import { elementCount } from "#domain/tensor.ts";
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
} from "../quant.ts";

/** Encoded bytes in the order in which they lie: all of `data`, then all of `scales`. */
export interface EncodedPiece {
  readonly part: "data" | "scales";
  readonly bytes: Uint8Array;
}

/** Encodes a tensor row by row. What transposes holds the whole tensor until its end; the rest hands on what it made of each push. */
export interface RowEncoder {
  /** Takes whole rows; `decoded` is what will be read back in their place, absent where that is the rows themselves. */
  push(
    rows: Float32Array<ArrayBuffer>,
    firstRow: number,
  ): { readonly bytes?: Uint8Array; readonly decoded?: Float32Array };
  finish(): EncodedPiece[];
}

/** Encodes rows of `columns` values as a tensor's entry says. */
export function createRowEncoder(
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

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
