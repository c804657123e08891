import { exp } from "./exp";

/** target = x / rms(x) × weights for each row f32 [rows, width], width in sixteens. */
export function rmsNorm(
  source: usize,
  weights: usize,
  target: usize,
  rows: i32,
  width: i32,
  epsilon: f32,
): void {
  const bytes = <usize>width * 4;
  for (let row = 0; row < rows; row++) {
    let sum0 = f32x4.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    for (let at: usize = 0; at < bytes; at += 64) {
      sum0 = addSquare(sum0, v128.load(source + at));
      sum1 = addSquare(sum1, v128.load(source + at, 16));
      sum2 = addSquare(sum2, v128.load(source + at, 32));
      sum3 = addSquare(sum3, v128.load(source + at, 48));
    }
    const squares = sumOf(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)));
    const inverse = f32x4.splat(1 / sqrt<f32>(squares / <f32>width + epsilon));
    for (let at: usize = 0; at < bytes; at += 16) {
      const scaled = f32x4.mul(v128.load(source + at), inverse);
      v128.store(target + at, f32x4.mul(scaled, v128.load(weights + at)));
    }
    source += bytes;
    target += bytes;
  }
}

/** Turns the heads of each row f32 [rows, heads · size] in place by the angles [rows, size / 2], size in eights. */
export function rotate(
  vectors: usize,
  cosines: usize,
  sines: usize,
  rows: i32,
  heads: i32,
  size: i32,
): void {
  const half = <usize>size * 2;
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      for (let at: usize = 0; at < half; at += 16) {
        const cosine = v128.load(cosines + at);
        const sine = v128.load(sines + at);
        const first = v128.load(vectors + at);
        const second = v128.load(vectors + half + at);
        v128.store(vectors + at, f32x4.sub(f32x4.mul(first, cosine), f32x4.mul(second, sine)));
        v128.store(
          vectors + half + at,
          f32x4.add(f32x4.mul(second, cosine), f32x4.mul(first, sine)),
        );
      }
      vectors += 2 * half;
    }
    cosines += half;
    sines += half;
  }
}

/** gate = gate / (1 + e^−gate) × up, `count` numbers in fours. */
export function swiGlu(gate: usize, up: usize, count: i32): void {
  const one = f32x4.splat(1);
  for (let at: usize = 0; at < <usize>count * 4; at += 16) {
    const x = v128.load(gate + at);
    const silu = f32x4.div(x, f32x4.add(one, exp(f32x4.neg(x))));
    v128.store(gate + at, f32x4.mul(silu, v128.load(up + at)));
  }
}

/** target += source, `count` numbers in fours. */
export function add(target: usize, source: usize, count: i32): void {
  for (let at: usize = 0; at < <usize>count * 4; at += 16) {
    v128.store(target + at, f32x4.add(v128.load(target + at), v128.load(source + at)));
  }
}

function addSquare(sum: v128, x: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, x));
}

/** The sum of four lanes, in pairs. */
export function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 1) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}
