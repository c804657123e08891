import { dotPairs } from "./dot";

/** Rows and outputs of a tile, whose sums stay in registers. */
const TILE_ROWS: i32 = 4;
const TILE_OUTPUTS: i32 = 8;

/** Weights that meet one scale of an activation. */
const BLOCK: i32 = 32;

/** Bytes of a block of a tile: its weights, its activations, and of the four rows a number each. */
const WEIGHT_BYTES: usize = 128;
const ACTIVATION_BYTES: usize = 128;
const ROW_BYTES: usize = 16;

/** Lays eight outputs, nibbles [8, inputs / 2] at `source`, into one panel at `target`; see README.md. */
export function packQ4(source: usize, target: usize, inputs: i32): void {
  const row = <usize>inputs / 2;
  for (let at: usize = 0; at < row; at++) {
    // Of a byte's two inputs, the first one's place among the four bytes of an output.
    const quad = target + ((at >> 1) << 4) + ((at & 1) << 1);
    for (let output: usize = 0; output < 4; output++) {
      const low = load<u8>(source + output * row + at);
      const high = load<u8>(source + (output + 4) * row + at);
      store<u8>(quad + output * 4, (low & 15) | (high << 4));
      store<u8>(quad + output * 4 + 1, (low >> 4) | (high & 240));
    }
  }
}

/**
 * target [rows, outputs] = activations × weights, both as they were packed; rows in fours, outputs in eights, inputs in blocks;
 * `stride` numbers from row to row of the target. `scales`
 * f32 [outputs / 8, ceil(blocks / blocksPerScale), 8].
 *
 * The 8 that nibbles are over is taken off before: a block's sum then never leaves 16 bits, 32 · 127 · 8 = 32,512, and what
 * overflows on the way comes back.
 */
export function multiplyQ4(
  weights: usize,
  scales: usize,
  blocksPerScale: i32,
  activations: usize,
  activationScales: usize,
  corrections: usize,
  target: usize,
  rows: i32,
  outputs: i32,
  inputs: i32,
  stride: i32,
): void {
  const blocks = inputs / BLOCK;
  const tiles = rows / TILE_ROWS;
  const rowBytes = <usize>stride * 4;
  const scaleBytes: usize = (<usize>(blocks + blocksPerScale - 1) / blocksPerScale) * 32;
  for (let panel = 0; panel < outputs / TILE_OUTPUTS; panel++) {
    const panelWeights = weights + <usize>panel * blocks * WEIGHT_BYTES;
    const panelScales = scales + <usize>panel * scaleBytes;
    for (let tile = 0; tile < tiles; tile++) {
      const first = <usize>tile * blocks;
      multiplyTile(
        panelWeights,
        panelScales,
        blocksPerScale,
        activations + first * ACTIVATION_BYTES,
        activationScales + first * ROW_BYTES,
        corrections + first * ROW_BYTES,
        target + <usize>tile * TILE_ROWS * rowBytes + <usize>panel * TILE_OUTPUTS * 4,
        rowBytes,
        blocks,
      );
    }
  }
}

function multiplyTile(
  weights: usize,
  scales: usize,
  blocksPerScale: i32,
  activations: usize,
  activationScales: usize,
  corrections: usize,
  target: usize,
  stride: usize,
  blocks: i32,
): void {
  let sum00 = f32x4.splat(0);
  let sum01 = f32x4.splat(0);
  let sum10 = f32x4.splat(0);
  let sum11 = f32x4.splat(0);
  let sum20 = f32x4.splat(0);
  let sum21 = f32x4.splat(0);
  let sum30 = f32x4.splat(0);
  let sum31 = f32x4.splat(0);
  const low = i8x16.splat(15);
  let left = blocksPerScale;
  for (let block = 0; block < blocks; block++) {
    let a00 = v128.load32_splat(corrections);
    let a10 = v128.load32_splat(corrections, 4);
    let a20 = v128.load32_splat(corrections, 8);
    let a30 = v128.load32_splat(corrections, 12);
    let a01 = a00;
    let a11 = a10;
    let a21 = a20;
    let a31 = a30;
    for (let quad: usize = 0; quad < 8; quad++) {
      const both = v128.load(weights + quad * 16);
      const w0 = v128.and(both, low);
      const w1 = v128.and(i16x8.shr_u(both, 4), low);
      const at = activations + quad * 16;
      const r0 = v128.load32_splat(at);
      a00 = i16x8.add(a00, dotPairs(r0, w0));
      a01 = i16x8.add(a01, dotPairs(r0, w1));
      const r1 = v128.load32_splat(at, 4);
      a10 = i16x8.add(a10, dotPairs(r1, w0));
      a11 = i16x8.add(a11, dotPairs(r1, w1));
      const r2 = v128.load32_splat(at, 8);
      a20 = i16x8.add(a20, dotPairs(r2, w0));
      a21 = i16x8.add(a21, dotPairs(r2, w1));
      const r3 = v128.load32_splat(at, 12);
      a30 = i16x8.add(a30, dotPairs(r3, w0));
      a31 = i16x8.add(a31, dotPairs(r3, w1));
    }
    const s0 = v128.load(scales);
    const s1 = v128.load(scales, 16);
    const x0 = v128.load32_splat(activationScales);
    sum00 = addScaled(sum00, a00, s0, x0);
    sum01 = addScaled(sum01, a01, s1, x0);
    const x1 = v128.load32_splat(activationScales, 4);
    sum10 = addScaled(sum10, a10, s0, x1);
    sum11 = addScaled(sum11, a11, s1, x1);
    const x2 = v128.load32_splat(activationScales, 8);
    sum20 = addScaled(sum20, a20, s0, x2);
    sum21 = addScaled(sum21, a21, s1, x2);
    const x3 = v128.load32_splat(activationScales, 12);
    sum30 = addScaled(sum30, a30, s0, x3);
    sum31 = addScaled(sum31, a31, s1, x3);
    weights += WEIGHT_BYTES;
    activations += ACTIVATION_BYTES;
    activationScales += ROW_BYTES;
    corrections += ROW_BYTES;
    left--;
    if (left === 0) {
      left = blocksPerScale;
      scales += 32;
    }
  }
  v128.store(target, sum00);
  v128.store(target, sum01, 16);
  target += stride;
  v128.store(target, sum10);
  v128.store(target, sum11, 16);
  target += stride;
  v128.store(target, sum20);
  v128.store(target, sum21, 16);
  target += stride;
  v128.store(target, sum30);
  v128.store(target, sum31, 16);
}

function addScaled(sum: v128, pairs: v128, weightScales: v128, activationScale: v128): v128 {
  const whole = f32x4.convert_i32x4_s(i32x4.extadd_pairwise_i16x8_s(pairs));
  return f32x4.add(sum, f32x4.mul(whole, f32x4.mul(weightScales, activationScale)));
}
