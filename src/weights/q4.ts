import { blocksPerRow, type Packed } from "./quant.ts";

/** How many scales of a block are tried, the plain one among them. */
const CANDIDATES = 31;

/** Between two candidates: tenths of a level at the block's outermost value, from 1.5 levels less than the plain scale to 1.5 more. */
const CANDIDATE_STEP = 0.1;

/**
 * Packs rows [rows, columns] as q4 in blocks of `block` weights, with the scale of each block that loses least of it.
 *
 * The plain step is as small as the sixteen levels −8 … 7 allow: the larger side of the block takes the eight levels below zero, by a
 * negative scale if it is the positive side. Smaller steps cut the outermost values off and round all others better, so scales around the plain one
 * are tried, each refitted to the levels that it gives by least squares: the squared error of a block is never more than the plain
 * scale's. Of normally distributed weights 0.081 of their size is lost where the plain scale loses 0.086 (RMS, blocks of 32). Blocks whose largest magnitude is below 8 × 2⁻²⁵ become
 * zero: f16 has no smaller scale.
 */
export function packQ4(
  values: Float32Array,
  columns: number,
  block: number,
): Packed<Uint8Array<ArrayBuffer>, Float16Array<ArrayBuffer>> {
  const rows = values.length / columns;
  const blocks = blocksPerRow(columns, block);
  const data = new Uint8Array((rows * blocks * block) / 2).fill(0x88);
  const scales = new Float16Array(rows * blocks);
  const values64 = new Float64Array(block); // the block at hand, its padding zero
  for (let row = 0; row < rows; row++) {
    for (let inRow = 0; inRow < blocks; inRow++) {
      const start = row * columns + inRow * block;
      const count = Math.min(block, columns - inRow * block);
      for (let index = 0; index < block; index++) {
        values64[index] = index < count ? values[start + index]! : 0;
      }
      const at = row * blocks + inRow;
      const { scale, inverse } = bestScale(values64);
      scales[at] = scale;
      if (scale === 0) continue;
      for (let index = 0; index < count; index++) {
        const byte = (at * block + index) >> 1;
        const nibble = levelOf(values64[index]! * inverse) + 8;
        const old = data[byte]!;
        data[byte] = index & 1 ? (old & 0x0f) | (nibble << 4) : (old & 0xf0) | nibble;
      }
    }
  }
  return { data, scales };
}

/** Reads q4 rows back: [rows, columns], padding left out. */
export function unpackQ4(
  { data, scales }: Packed<Uint8Array, Float16Array>,
  columns: number,
  block: number,
): Float32Array<ArrayBuffer> {
  const blocks = blocksPerRow(columns, block);
  const rows = scales.length / blocks;
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * blocks + Math.floor(column / block);
      const inBlock = column % block;
      const byte = data[(at * block + inBlock) >> 1]!;
      const nibble = inBlock & 1 ? byte >> 4 : byte & 0x0f;
      values[row * columns + column] = (nibble - 8) * scales[at]!;
    }
  }
  return values;
}

/**
 * Finds the scale of one block as f16 holds it, and the inverse of the step that rounds its values to the levels that this scale fits
 * best: levels belong to the step that was tried, the scale was refitted to them.
 */
function bestScale(values: Float64Array): { readonly scale: number; readonly inverse: number } {
  const step = plainStep(values);
  let scale = Math.f16round(step);
  if (scale === 0) return { scale, inverse: 0 };
  let inverse = 1 / scale;
  let least = Number.POSITIVE_INFINITY;
  // The plain scale first, as it is; then the others, refitted.
  for (let candidate = -1; candidate < CANDIDATES; candidate++) {
    const levelsMore = (candidate - (CANDIDATES >> 1)) * CANDIDATE_STEP;
    const tried = candidate < 0 ? 1 / scale : (8 + levelsMore) / (8 * step);
    let products = 0;
    let squares = 0;
    for (let index = 0; index < values.length; index++) {
      const level = levelOf(values[index]! * tried);
      products += level * values[index]!;
      squares += level * level;
    }
    const fitted = candidate < 0 ? scale : Math.f16round(products / squares);
    // The block's squared error, less the sum of its squares, which all candidates share. Not a number where all levels are zero.
    const error = fitted * (fitted * squares - 2 * products);
    if (!(error < least)) continue;
    least = error;
    scale = fitted;
    inverse = tried;
  }
  return { scale, inverse };
}

/** Rounds to −8 … 7, halves upwards. */
function levelOf(value: number): number {
  const level = (value + 8.5) | 0; // cuts off towards zero, which is below where it matters
  return level < 0 ? -8 : level > 15 ? 7 : level - 8;
}

function plainStep(values: Float64Array): number {
  let highest = 0;
  let lowest = 0;
  for (let index = 0; index < values.length; index++) {
    if (values[index]! > highest) highest = values[index]!;
    if (values[index]! < lowest) lowest = values[index]!;
  }
  const larger = Math.max(highest, -lowest);
  const smaller = Math.min(highest, -lowest);
  const step = Math.max(larger / 8, smaller / 7.5);
  return highest > -lowest ? -step : step;
}
