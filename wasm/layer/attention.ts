import { exp } from "./exp";
import { sumOf } from "./rows";

/** Queries of a tile. */
const TILE: usize = 4;

/**
 * target = softmax(query keysᵀ · scale + mask) values of one group of heads: query and target f32 [queries, size], keys and values f32
 * [length, size], mask f32 [length], scores f32 [4, length]; queries and length in fours, size in eights. Who fills a length up gives
 * the rest zeros and a mask of −∞.
 */
export function attend(
  query: usize,
  keys: usize,
  values: usize,
  mask: usize,
  scores: usize,
  target: usize,
  queries: i32,
  length: i32,
  size: i32,
  scale: f32,
): void {
  const bytes = <usize>size * 4;
  const row = <usize>length * 4;
  for (let tile: usize = 0; tile < <usize>queries; tile += TILE) {
    const from = query + tile * bytes;
    scorePair(from, keys, mask, scores, length, bytes, scale);
    scorePair(from + 2 * bytes, keys, mask, scores + 2 * row, length, bytes, scale);
    const inverse0 = soften(scores, row);
    const inverse1 = soften(scores + row, row);
    const inverse2 = soften(scores + 2 * row, row);
    const inverse3 = soften(scores + 3 * row, row);
    const to = target + tile * bytes;
    for (let at: usize = 0; at < bytes; at += 32) {
      mix(values + at, scores, to + at, length, bytes, inverse0, inverse1, inverse2, inverse3);
    }
  }
}

/** Scores of two queries with all keys. */
function scorePair(
  query: usize,
  keys: usize,
  mask: usize,
  scores: usize,
  length: i32,
  bytes: usize,
  scale: f32,
): void {
  const scales = f32x4.splat(scale);
  const row = <usize>length * 4;
  for (let at: usize = 0; at < row; at += 16) {
    let s00 = f32x4.splat(0);
    let s01 = s00;
    let s02 = s00;
    let s03 = s00;
    let s10 = s00;
    let s11 = s00;
    let s12 = s00;
    let s13 = s00;
    const k0 = keys;
    const k1 = k0 + bytes;
    const k2 = k1 + bytes;
    const k3 = k2 + bytes;
    for (let i: usize = 0; i < bytes; i += 16) {
      const q0 = v128.load(query + i);
      const q1 = v128.load(query + bytes + i);
      let k = v128.load(k0 + i);
      s00 = f32x4.add(s00, f32x4.mul(q0, k));
      s10 = f32x4.add(s10, f32x4.mul(q1, k));
      k = v128.load(k1 + i);
      s01 = f32x4.add(s01, f32x4.mul(q0, k));
      s11 = f32x4.add(s11, f32x4.mul(q1, k));
      k = v128.load(k2 + i);
      s02 = f32x4.add(s02, f32x4.mul(q0, k));
      s12 = f32x4.add(s12, f32x4.mul(q1, k));
      k = v128.load(k3 + i);
      s03 = f32x4.add(s03, f32x4.mul(q0, k));
      s13 = f32x4.add(s13, f32x4.mul(q1, k));
    }
    keys += 4 * bytes;
    const hidden = v128.load(mask + at);
    v128.store(scores + at, f32x4.add(f32x4.mul(sums(s00, s01, s02, s03), scales), hidden));
    v128.store(scores + row + at, f32x4.add(f32x4.mul(sums(s10, s11, s12, s13), scales), hidden));
  }
}

/** The sums of four vectors, each in pairs, as one vector. */
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 2, 6), v128.shuffle<f32>(a, b, 1, 5, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 2, 6), v128.shuffle<f32>(c, d, 1, 5, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** Replaces scores by e to the power of what they are over the largest; returns the inverse of the sum. */
function soften(scores: usize, bytes: usize): f32 {
  let largest = v128.load(scores);
  for (let at: usize = 16; at < bytes; at += 16) {
    largest = f32x4.max(largest, v128.load(scores + at));
  }
  const most = f32x4.splat(
    max(
      max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
      max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
    ),
  );
  let total = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    const weight = exp(f32x4.sub(v128.load(scores + at), most));
    v128.store(scores + at, weight);
    total = f32x4.add(total, weight);
  }
  return 1 / sumOf(total);
}

/** Eight numbers of four queries: values weighted by scores, position after position. */
function mix(
  values: usize,
  scores: usize,
  target: usize,
  length: i32,
  bytes: usize,
  inverse0: f32,
  inverse1: f32,
  inverse2: f32,
  inverse3: f32,
): void {
  const row = <usize>length * 4;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  for (let at: usize = 0; at < row; at += 4) {
    const v0 = v128.load(values);
    const v1 = v128.load(values, 16);
    const w0 = v128.load32_splat(scores + at);
    s00 = f32x4.add(s00, f32x4.mul(w0, v0));
    s01 = f32x4.add(s01, f32x4.mul(w0, v1));
    const w1 = v128.load32_splat(scores + row + at);
    s10 = f32x4.add(s10, f32x4.mul(w1, v0));
    s11 = f32x4.add(s11, f32x4.mul(w1, v1));
    const w2 = v128.load32_splat(scores + 2 * row + at);
    s20 = f32x4.add(s20, f32x4.mul(w2, v0));
    s21 = f32x4.add(s21, f32x4.mul(w2, v1));
    const w3 = v128.load32_splat(scores + 3 * row + at);
    s30 = f32x4.add(s30, f32x4.mul(w3, v0));
    s31 = f32x4.add(s31, f32x4.mul(w3, v1));
    values += bytes;
  }
  put(target, s00, s01, inverse0);
  put(target + bytes, s10, s11, inverse1);
  put(target + 2 * bytes, s20, s21, inverse2);
  put(target + 3 * bytes, s30, s31, inverse3);
}

function put(target: usize, first: v128, second: v128, inverse: f32): void {
  v128.store(target, f32x4.mul(first, f32x4.splat(inverse)));
  v128.store(target, f32x4.mul(second, f32x4.splat(inverse)), 16);
}
