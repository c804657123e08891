import { QUANTISATION_BLOCK } from "#domain/bundle.ts";

// The block layouts of `TensorEncoding`, as slow-but-obvious references: what kernels compute from these bytes must
// agree with `unpack*`. All functions work on whole rows, so a tensor can be packed as its rows arrive.

const BLOCK = QUANTISATION_BLOCK;

/** Packed rows: `data` as the encoding says, one scale per block (or per row in w8). */
export interface Packed<Data, Scales> {
  readonly data: Data;
  readonly scales: Scales;
}

/** Blocks of a row of `columns` numbers; the last one may be partly padding. */
export function blocksPerRow(columns: number): number {
  return Math.ceil(columns / BLOCK);
}

/**
 * Packs rows [rows, columns] as q4. Every value comes back within half a step (|scale|) of itself, the one of largest
 * magnitude within the scale's own f16 rounding. Blocks whose largest magnitude is below 8 × 2⁻²⁵ become zero: f16 has
 * no smaller scale.
 *
 * A step is as small as the sixteen levels −8 … 7 allow: the larger side of the block takes the eight levels below zero,
 * by a negative scale if it is the positive side. On normally distributed weights that is 8 % less error than max / 7.
 */
export function packQ4(
  values: Float32Array,
  columns: number,
): Packed<Uint8Array<ArrayBuffer>, Float16Array<ArrayBuffer>> {
  const rows = values.length / columns;
  const blocks = blocksPerRow(columns);
  const data = new Uint8Array((rows * blocks * BLOCK) / 2).fill(0x88);
  const scales = new Float16Array(rows * blocks);
  for (let row = 0; row < rows; row++) {
    for (let block = 0; block < blocks; block++) {
      const start = row * columns + block * BLOCK;
      const end = Math.min(start + BLOCK, (row + 1) * columns);
      let highest = 0;
      let lowest = 0;
      for (let index = start; index < end; index++) {
        const value = values[index]!;
        if (value > highest) highest = value;
        if (value < lowest) lowest = value;
      }
      const larger = Math.max(highest, -lowest);
      const smaller = Math.min(highest, -lowest);
      const step = Math.max(larger / 8, smaller / 7.5);
      const at = row * blocks + block;
      scales[at] = highest > -lowest ? -step : step;
      const scale = scales[at]!;
      if (scale === 0) continue;
      const inverse = 1 / scale;
      for (let index = start; index < end; index++) {
        const level = Math.round(values[index]! * inverse) + 8;
        const nibble = level < 0 ? 0 : level > 15 ? 15 : level;
        const inBlock = index - start;
        const byte = (at * BLOCK + inBlock) >> 1;
        const old = data[byte]!;
        data[byte] = inBlock & 1 ? (old & 0x0f) | (nibble << 4) : (old & 0xf0) | nibble;
      }
    }
  }
  return { data, scales };
}

/** Reads q4 rows back: [rows, columns], padding left out. */
export function unpackQ4(
  { data, scales }: Packed<Uint8Array, Float16Array>,
  columns: number,
): Float32Array<ArrayBuffer> {
  const blocks = blocksPerRow(columns);
  const rows = scales.length / blocks;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * blocks + Math.floor(column / BLOCK);
      const inBlock = column % BLOCK;
      const byte = data[(at * BLOCK + inBlock) >> 1]!;
      const nibble = inBlock & 1 ? byte >> 4 : byte & 0x0f;
      values[row * columns + column] = (nibble - 8) * scales[at]!;
    }
  }
  return values;
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
        data[at * BLOCK + index - start] = toInt8(values[index]! * inverse);
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

/**
 * Packs a linear [out, in] as w8: one f32 scale per output, data transposed to [in, out]. Within half a step of the source.
 * Use `packW8Rows` to pack a linear whose rows arrive in pieces.
 */
export function packW8(
  values: Float32Array,
  columns: number,
): Packed<Int8Array<ArrayBuffer>, Float32Array<ArrayBuffer>> {
  const rows = values.length / columns;
  const packed = { data: new Int8Array(values.length), scales: new Float32Array(rows) };
  packW8Rows(values, columns, 0, packed);
  return packed;
}

/** Packs the rows from `firstRow` on into their columns of `into.data` [in, out] and their places in `into.scales` [out]. */
export function packW8Rows(
  values: Float32Array,
  columns: number,
  firstRow: number,
  into: Packed<Int8Array, Float32Array>,
): void {
  const rows = values.length / columns;
  const outputs = into.scales.length;
  const inverses = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    into.scales[firstRow + row] =
      largestMagnitude(values, row * columns, (row + 1) * columns) / 127;
    const scale = into.scales[firstRow + row]!;
    inverses[row] = scale === 0 ? 0 : 1 / scale;
  }
  // Rows inside columns: writes run along the output, which measured three times as fast as the other way round.
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      into.data[column * outputs + firstRow + row] = toInt8(
        values[row * columns + column]! * inverses[row]!,
      );
    }
  }
}

/** Reads a w8 linear back as [out, in]. */
export function unpackW8(
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

function toInt8(level: number): number {
  const rounded = Math.round(level);
  return rounded > 127 ? 127 : rounded < -127 ? -127 : rounded;
}
