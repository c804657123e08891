import { addDotFours } from "./dot";

/** Rows and outputs of a tile, whose sums stay in registers. */
const TILE_ROWS: i32 = 4;
const TILE_OUTPUTS: i32 = 8;

/** Weights that meet one scale of an activation. */
const BLOCK: i32 = 32;

/** Bytes of a block of a tile: its weights and their corrections, its activations, and of the four rows a scale each. */
const WEIGHT_BYTES: usize = 288;
const ACTIVATION_BYTES: usize = 128;
const ROW_BYTES: usize = 16;

/** What an activation of zero is quantised to. */
const MIDDLE: i32 = 64;

/** Lays one block of inputs of all outputs, i8 [32, outputs] at `source`, into the panels at `target`; see README.md. */
export function packW8(source: usize, target: usize, block: i32, outputs: i32, inputs: i32): void {
  const blocks = inputs / BLOCK;
  for (let output = 0; output < outputs; output++) {
    const panel = output / TILE_OUTPUTS;
    const inPanel = output % TILE_OUTPUTS;
    const record = target + (<usize>panel * blocks + block) * WEIGHT_BYTES;
    const lane = record + ((inPanel >> 2) << 4) + ((inPanel & 3) << 2);
    let sum = 0;
    for (let input = 0; input < BLOCK; input++) {
      const weight = load<i8>(source + <usize>input * outputs + output);
      sum += weight;
      store<i8>(lane + ((<usize>(input >> 2)) << 5) + (input & 3), weight);
    }
    store<i32>(record + 256 + ((<usize>inPanel) << 2), -MIDDLE * sum);
  }
}

/**
 * target [rows, outputs] = activations × weights, both as they were packed; rows in fours, outputs in eights, inputs in blocks;
 * `stride` numbers from row to row of the target. `scales` f32 [outputs].
 */
export function multiplyW8(
  weights: usize,
  scales: usize,
  activations: usize,
  activationScales: usize,
  target: usize,
  rows: i32,
  outputs: i32,
  inputs: i32,
  stride: i32,
): void {
  const blocks = inputs / BLOCK;
  const rowBytes = <usize>stride * 4;
  for (let panel = 0; panel < outputs / TILE_OUTPUTS; panel++) {
    for (let tile = 0; tile < rows / TILE_ROWS; tile++) {
      const first = <usize>tile * blocks;
      multiplyTile(
        weights + <usize>panel * blocks * WEIGHT_BYTES,
        scales + <usize>panel * TILE_OUTPUTS * 4,
        activations + first * ACTIVATION_BYTES,
        activationScales + first * ROW_BYTES,
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
  activations: usize,
  activationScales: usize,
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
  for (let block = 0; block < blocks; block++) {
    let a00 = v128.load(weights, 256);
    let a01 = v128.load(weights, 272);
    let a10 = a00;
    let a11 = a01;
    let a20 = a00;
    let a21 = a01;
    let a30 = a00;
    let a31 = a01;
    for (let quad: usize = 0; quad < 8; quad++) {
      const w0 = v128.load(weights + quad * 32);
      const w1 = v128.load(weights + quad * 32, 16);
      const at = activations + quad * 16;
      const r0 = v128.load32_splat(at);
      a00 = addDotFours(a00, w0, r0);
      a01 = addDotFours(a01, w1, r0);
      const r1 = v128.load32_splat(at, 4);
      a10 = addDotFours(a10, w0, r1);
      a11 = addDotFours(a11, w1, r1);
      const r2 = v128.load32_splat(at, 8);
      a20 = addDotFours(a20, w0, r2);
      a21 = addDotFours(a21, w1, r2);
      const r3 = v128.load32_splat(at, 12);
      a30 = addDotFours(a30, w0, r3);
      a31 = addDotFours(a31, w1, r3);
    }
    const x0 = v128.load32_splat(activationScales);
    sum00 = addScaled(sum00, a00, x0);
    sum01 = addScaled(sum01, a01, x0);
    const x1 = v128.load32_splat(activationScales, 4);
    sum10 = addScaled(sum10, a10, x1);
    sum11 = addScaled(sum11, a11, x1);
    const x2 = v128.load32_splat(activationScales, 8);
    sum20 = addScaled(sum20, a20, x2);
    sum21 = addScaled(sum21, a21, x2);
    const x3 = v128.load32_splat(activationScales, 12);
    sum30 = addScaled(sum30, a30, x3);
    sum31 = addScaled(sum31, a31, x3);
    weights += WEIGHT_BYTES;
    activations += ACTIVATION_BYTES;
    activationScales += ROW_BYTES;
  }
  const s0 = v128.load(scales);
  const s1 = v128.load(scales, 16);
  v128.store(target, f32x4.mul(sum00, s0));
  v128.store(target, f32x4.mul(sum01, s1), 16);
  target += stride;
  v128.store(target, f32x4.mul(sum10, s0));
  v128.store(target, f32x4.mul(sum11, s1), 16);
  target += stride;
  v128.store(target, f32x4.mul(sum20, s0));
  v128.store(target, f32x4.mul(sum21, s1), 16);
  target += stride;
  v128.store(target, f32x4.mul(sum30, s0));
  v128.store(target, f32x4.mul(sum31, s1), 16);
}

function addScaled(sum: v128, fours: v128, scale: v128): v128 {
  return f32x4.add(sum, f32x4.mul(f32x4.convert_i32x4_s(fours), scale));
}
