import { Q8_BLOCK } from "#domain/bundle.ts";

// The block layouts of `TensorEncoding`, as slow-but-obvious references: what kernels compute from these bytes must
// agree with `unpack*`. All functions work on whole rows, so a tensor can be packed as its rows arrive.

const BLOCK = Q8_BLOCK;

/** Packed rows: `data` as the encoding says, one scale per block (or per row in w8). */
export interface Packed<Data, Scales> {
  readonly data: Data;
  readonly scales: Scales;
}

/** Blocks of a row of `columns` numbers; the last one may be partly padding. */
export function blocksPerRow(columns: number, block: number = BLOCK): number {
  return Math.ceil(columns / block);
}

/** Packs rows of a table as q8: int8 with an f16 scale per block, within half a step of the source. */
export function packQ8(
  values: Float32Array,
  columns: number,
): Packed<Int8Array<ArrayBuffer>, Float16Array<ArrayBuffer>> {
  const rows = values.length / columns;
  const blocks = blocksPerRow(columns);
  const data = new Int8Array(rows * blocks * BLOCK);
  const scales = new Float16Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * columns + block * BLOCK;
      const end = Math.min(start + BLOCK, (row + 1) * columns);
      const at = row * blocks + block;
      scales[at] = largestMagnitude(values, start, end) / 127;
      const scale = scales[at]!;
      if (scale === 0) continue;
      const inverse = 1 / scale;
      for (let index = start; index < end; index++) {
        data[at * BLOCK + index - start] = toInt8(values[index]! * inverse, 127);
      }
    }
  }
  return { data, scales };
}

/** Reads q8 rows back: [rows, columns], padding left out. */
export function unpackQ8(
  { data, scales }: Packed<Int8Array, Float16Array>,
  columns: number,
): Float32Array<ArrayBuffer> {
  const blocks = blocksPerRow(columns);
  const rows = scales.length / blocks;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * blocks + Math.floor(column / BLOCK);
      values[row * columns + column] = data[at * BLOCK + (column % BLOCK)]! * scales[at]!;
    }
  }
  return values;
}

/** What stands for zero in q8u. */
export const Q8U_ZERO = 128;

/** Packs rows of a linear as q8u: as q8, every byte 128 higher. */
export function packQ8u(
  values: Float32Array,
  columns: number,
): Packed<Uint8Array<ArrayBuffer>, Float16Array<ArrayBuffer>> {
  const { data, scales } = packQ8(values, columns);
  return { data: flipped(new Uint8Array(data.buffer)), scales };
}

/** Reads q8u rows back: [rows, columns], padding left out. */
export function unpackQ8u(
  { data, scales }: Packed<Uint8Array, Float16Array>,
  columns: number,
): Float32Array<ArrayBuffer> {
  return unpackQ8({ data: new Int8Array(flipped(data.slice()).buffer), scales }, columns);
}

/** Adds 128 to every byte, or takes it away: both flip the top bit. */
function flipped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let index = 0; index < bytes.length; index++) bytes[index] = bytes[index]! ^ Q8U_ZERO;
  return bytes;
}

/** Largest magnitude of a weight in w8 and w7. */
export const INT8_LIMITS: Readonly<Record<"w8" | "w7", number>> = { w8: 127, w7: 64 };

/**
 * Packs a linear [out, in] as w8 or w7: one f32 scale per output, data transposed to [in, out]. Within half a step of the source.
 * Use `packInt8Rows` to pack a linear whose rows arrive in pieces.
 */
export function packInt8(
  values: Float32Array,
  columns: number,
  limit: number,
): Packed<Int8Array<ArrayBuffer>, Float32Array<ArrayBuffer>> {
  const rows = values.length / columns;
  const packed = { data: new Int8Array(values.length), scales: new Float32Array(rows) };
  packInt8Rows(values, columns, 0, limit, packed);
  return packed;
}

/** Packs the rows from `firstRow` on into their columns of `into.data` [in, out] and their places in `into.scales` [out]. */
export function packInt8Rows(
  values: Float32Array,
  columns: number,
  firstRow: number,
  limit: number,
  into: Packed<Int8Array, Float32Array>,
): void {
  const rows = values.length / columns;
  const outputs = into.scales.length;
  const inverses = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    into.scales[firstRow + row] =
      largestMagnitude(values, row * columns, (row + 1) * columns) / limit;
    const scale = into.scales[firstRow + row]!;
    inverses[row] = scale === 0 ? 0 : 1 / scale;
  }
  // Rows inside columns: writes run along the output, which measured three times as fast as the other way round.
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      into.data[column * outputs + firstRow + row] = toInt8(
        values[row * columns + column]! * inverses[row]!,
        limit,
      );
    }
  }
}

/** Reads a w8 or w7 linear back as [out, in]. */
export function unpackInt8(
  { data, scales }: Packed<Int8Array, Float32Array>,
  columns: number,
): Float32Array<ArrayBuffer> {
  const outputs = scales.length;
  const values = new Float32Array(data.length);
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < columns; column++) {
      values[row * columns + column] = data[column * outputs + row]! * scales[row]!;
    }
  }
  return values;
}

/** Packs rows as r8: int8 where they stand, one f32 scale per row. Within half a step of the source. */
export function packR8(
  values: Float32Array,
  columns: number,
): Packed<Int8Array<ArrayBuffer>, Float32Array<ArrayBuffer>> {
  const scales = new Float32Array(values.length / columns);
  const data = new Int8Array(values.length);
  for (let row = 0; row < scales.length; row++) {
    const [start, end] = [row * columns, (row + 1) * columns];
    scales[row] = largestMagnitude(values, start, end) / INT8_LIMITS.w8;
    const scale = scales[row]!;
    if (scale === 0) continue;
    for (let index = start; index < end; index++) {
      data[index] = toInt8(values[index]! / scale, INT8_LIMITS.w8);
    }
  }
  return { data, scales };
}

/** Reads r8 rows back. */
export function unpackR8(
  { data, scales }: Packed<Int8Array, Float32Array>,
  columns: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(data, (level, index) => level * scales[Math.floor(index / columns)]!);
}

/** Writes rows [rows, columns] that stand at `firstRow` of a matrix into its transpose `into` [columns, outputs]. */
export function transposeRows(
  values: Float32Array,
  columns: number,
  firstRow: number,
  outputs: number,
  into: Float32Array | Float16Array,
): void {
  const rows = values.length / columns;
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      into[column * outputs + firstRow + row] = values[row * columns + column]!;
    }
  }
}

/** Widens bfloat16 (the upper half of a float32) exactly. */
export function widenBf16(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = new Uint32Array(halves.length);
  for (let index = 0; index < halves.length; index++) bits[index] = halves[index]! << 16;
  return new Float32Array(bits.buffer);
}

function largestMagnitude(values: Float32Array, start: number, end: number): number {
  let largest = 0;
  for (let index = start; index < end; index++) {
    const magnitude = Math.abs(values[index]!);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

function toInt8(level: number, limit: number): number {
  const rounded = Math.round(level);
  return rounded > limit ? limit : rounded < -limit ? -limit : rounded;
}
