/** Rows of a tile, and numbers that share a scale. */
const TILE_ROWS: i32 = 4;
const BLOCK: i32 = 32;

/** Blocks whose largest magnitude is below this become zero: the inverse of their scale would not be finite. */
const LEAST: f32 = 7.888609052210118e-31; // 2⁻¹⁰⁰

/**
 * Quantises rows f32 [rows, inputs] in blocks of 32 to −127 … 127 for `multiplyQ4`, tile by tile: 32 × 4 bytes a block, of each four
 * inputs those of the first row, of the second, …; a scale of each row; and of each row what takes the 8 from the nibbles, −8 times
 * the sums of the first two and of the last two of all fours, in 16 bits each.
 */
export function quantiseSigned(
  source: usize,
  activations: usize,
  scales: usize,
  corrections: usize,
  rows: i32,
  inputs: i32,
): void {
  const blocks = inputs / BLOCK;
  for (let row = 0; row < rows; row++) {
    const inTile: usize = <usize>(row % TILE_ROWS) * 4;
    const first = <usize>(row / TILE_ROWS) * blocks;
    for (let block = 0; block < blocks; block++) {
      const at = first + block;
      const low = source + (<usize>row * inputs + <usize>block * BLOCK) * 4;
      const inverse = scaleOf(low, 127, scales + at * 16 + inTile);
      const early = sixteen(low, inverse);
      const late = sixteen(low + 64, inverse);
      spread(activations + at * 128 + inTile, early);
      spread(activations + at * 128 + 64 + inTile, late);
      const pairs = i16x8.add(
        i16x8.extadd_pairwise_i8x16_s(early),
        i16x8.extadd_pairwise_i8x16_s(late),
      );
      const fours = i16x8.add(pairs, i64x2.splat(i64x2.extract_lane(pairs, 1)));
      const sums = i16x8.add(fours, i32x4.splat(i32x4.extract_lane(fours, 1)));
      v128.store32_lane(corrections + at * 16 + inTile, i16x8.mul(sums, i16x8.splat(-8)), 0);
    }
  }
}

/** As `quantiseSigned`, to 1 … 127 with 64 for zero, for `multiplyW8`, which has its corrections with the weights. */
export function quantiseSmall(
  source: usize,
  activations: usize,
  scales: usize,
  rows: i32,
  inputs: i32,
): void {
  const blocks = inputs / BLOCK;
  const middle = i8x16.splat(64);
  for (let row = 0; row < rows; row++) {
    const inTile: usize = <usize>(row % TILE_ROWS) * 4;
    const first = <usize>(row / TILE_ROWS) * blocks;
    for (let block = 0; block < blocks; block++) {
      const at = first + block;
      const low = source + (<usize>row * inputs + <usize>block * BLOCK) * 4;
      const inverse = scaleOf(low, 63, scales + at * 16 + inTile);
      spread(activations + at * 128 + inTile, i8x16.add(sixteen(low, inverse), middle));
      spread(activations + at * 128 + 64 + inTile, i8x16.add(sixteen(low + 64, inverse), middle));
    }
  }
}

/** Stores the scale of a block and returns its inverse. */
function scaleOf(block: usize, limit: f32, scale: usize): v128 {
  let largest = f32x4.abs(v128.load(block));
  for (let at: usize = 16; at < 128; at += 16) {
    largest = f32x4.max(largest, f32x4.abs(v128.load(block + at)));
  }
  const magnitude = max(
    max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  if (magnitude < LEAST) {
    store<f32>(scale, 0);
    return f32x4.splat(0);
  }
  store<f32>(scale, magnitude / limit);
  return f32x4.splat(limit / magnitude);
}

/** Sixteen numbers times the inverse of their scale, rounded half to even. */
function sixteen(source: usize, inverse: v128): v128 {
  const first = i16x8.narrow_i32x4_s(four(source, inverse), four(source + 16, inverse));
  const second = i16x8.narrow_i32x4_s(four(source + 32, inverse), four(source + 48, inverse));
  return i8x16.narrow_i16x8_s(first, second);
}

function four(source: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(source), inverse)));
}

/** Stores each four bytes at a tile's next four inputs. */
function spread(target: usize, bytes: v128): void {
  v128.store32_lane(target, bytes, 0);
  v128.store32_lane(target, bytes, 1, 16);
  v128.store32_lane(target, bytes, 2, 32);
  v128.store32_lane(target, bytes, 3, 48);
}
