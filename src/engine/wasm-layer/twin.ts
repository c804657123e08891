// What the kernels of `wasm/layer.ts` compute, said slowly: every number is rounded where theirs are, so that all bits are equal.

import type { Packed } from "#weights/quant.ts";

const { fround } = Math;

const BLOCK = 32;

/** Blocks whose largest magnitude is below this become zero. */
const LEAST = 2 ** -100;

/** Rows of equal width, one behind the other. */
export interface FloatRows {
  readonly width: number;
  readonly data: Float32Array;
}

/** Numbers as whole ones times a scale for each 32 of them. */
interface Quantised {
  readonly levels: Int32Array;
  readonly scales: Float32Array;
}

/** Quantises each 32 numbers to −limit … limit. */
function quantise(data: Float32Array, limit: number): Quantised {
  const levels = new Int32Array(data.length);
  const scales = new Float32Array(data.length / BLOCK);
  for (let block = 0; block < scales.length; block++) {
    const numbers = data.subarray(block * BLOCK, (block + 1) * BLOCK);
    const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (largest < LEAST) continue;
    scales[block] = largest / limit;
    const inverse = fround(limit / largest);
    for (const [index, value] of numbers.entries()) {
      levels[block * BLOCK + index] = halfToEven(fround(value * inverse));
    }
  }
  return { levels, scales };
}

function halfToEven(value: number): number {
  const down = Math.floor(value);
  const over = value - down;
  if (over !== 0.5) return over < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** x Wᵀ with q4 weights [out, in] in blocks of `block`: x in 8 bits. */
export function multiplyQ4(
  { data, scales }: Packed<Uint8Array, Float16Array>,
  block: number,
  x: FloatRows,
): FloatRows {
  const level = (output: number, input: number): number => {
    const byte = data[(output * x.width + input) >> 1]!;
    return (input & 1 ? byte >> 4 : byte & 15) - 8;
  };
  const perRow = x.width / block;
  const quantised = quantise(x.data, 127);
  return multiply(quantised, x.width, scales.length / perRow, level, (output, start, scale) =>
    fround(scales[output * perRow + Math.floor(start / block)]! * scale),
  );
}

/** x Wᵀ with w8 or w7 weights, [in, out] as they lie: x in 7 bits. */
export function multiplyW8(
  { data, scales }: Packed<Int8Array, Float32Array>,
  x: FloatRows,
): FloatRows {
  const outputs = scales.length;
  const level = (output: number, input: number): number => data[input * outputs + output]!;
  const product = multiply(quantise(x.data, 63), x.width, outputs, level, (_, __, scale) => scale);
  return {
    width: outputs,
    data: product.data.map((value, index) => value * scales[index % outputs]!),
  };
}

/** Sums whole products block by block, each times its scale. */
function multiply(
  x: Quantised,
  inputs: number,
  outputs: number,
  level: (output: number, input: number) => number,
  scaleOf: (output: number, start: number, scale: number) => number,
): FloatRows {
  const rows = x.levels.length / inputs;
  const data = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let output = 0; output < outputs; output++) {
      let sum = 0;
      for (let start = 0; start < inputs; start += BLOCK) {
        let whole = 0;
        for (let input = start; input < start + BLOCK; input++) {
          whole += x.levels[row * inputs + input]! * level(output, input);
        }
        const scale = scaleOf(output, start, x.scales[(row * inputs + start) / BLOCK]!);
        sum = fround(sum + fround(whole * scale));
      }
      data[row * outputs + output] = sum;
    }
  }
  return { width: outputs, data };
}

/** x / rms(x) × weights for each row; sixteen sums side by side. */
export function rmsNorm(x: FloatRows, weights: Float32Array, epsilon: number): FloatRows {
  const { width } = x;
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += width) {
    const sums = new Float32Array(16);
    for (let k = 0; k < width; k++) {
      sums[k % 16] = sums[k % 16]! + fround(x.data[start + k]! * x.data[start + k]!);
    }
    const lanes = Float32Array.from(
      { length: 4 },
      (_, lane) =>
        fround(sums[lane]! + sums[lane + 4]!) + fround(sums[lane + 8]! + sums[lane + 12]!),
    );
    const mean = fround(fround(sumOf(lanes) / width) + fround(epsilon));
    const inverse = fround(1 / fround(Math.sqrt(mean)));
    for (let k = 0; k < width; k++) {
      data[start + k] = fround(x.data[start + k]! * inverse) * weights[k]!;
    }
  }
  return { width, data };
}

/** Turns the heads of each row by its angles [rows, size / 2]. */
export function rotate(
  x: FloatRows,
  cosines: Float32Array,
  sines: Float32Array,
  size: number,
): FloatRows {
  const half = size / 2;
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += size) {
    const row = Math.floor(start / x.width);
    for (let i = 0; i < half; i++) {
      const [cosine, sine] = [cosines[row * half + i]!, sines[row * half + i]!];
      const [first, second] = [x.data[start + i]!, x.data[start + half + i]!];
      data[start + i] = fround(first * cosine) - fround(second * sine);
      data[start + half + i] = fround(second * cosine) + fround(first * sine);
    }
  }
  return { width: x.width, data };
}

/** gate / (1 + e^−gate) × up. */
export function swiGlu(gate: Float32Array, up: Float32Array): Float32Array {
  return gate.map((x, index) => fround(x / fround(1 + exp(-x))) * up[index]!);
}

/** Of expf.c in Cephes, from the highest power down to the square. */
const POLYNOMIAL = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
  5.0000001201e-1,
].map(fround);

/** e^x, 0 below −87. */
export function exp(x: number): number {
  if (x < -87) return 0;
  const cut = Math.min(x, 88);
  const n = halfToEven(fround(cut * fround(Math.LOG2E)));
  const most = fround(cut - fround(n * fround(0.693359375)));
  const r = fround(most - fround(n * fround(-2.1219444e-4)));
  const p = POLYNOMIAL.reduce((sum, next) => fround(fround(sum * r) + next), 0);
  const whole = fround(fround(p * fround(r * r)) + fround(r + 1));
  return fround(whole * 2 ** n);
}

/** Queries, and what they see. */
export interface AttentionCase {
  readonly query: FloatRows;
  readonly keys: FloatRows;
  readonly values: FloatRows;
  readonly mask: Float32Array;
  readonly scale: number;
}

/** softmax(query keysᵀ · scale + mask) values; sums of scores in four lanes, those of values position after position. */
export function attend({ query, keys, values, mask, scale }: AttentionCase): FloatRows {
  const size = query.width;
  const data = new Float32Array(query.data.length);
  for (let start = 0; start < data.length; start += size) {
    const scores = mask.map((hidden, position) => {
      const lanes = new Float32Array(4);
      for (let k = 0; k < size; k++) {
        const product = fround(query.data[start + k]! * keys.data[position * size + k]!);
        lanes[k % 4] = lanes[k % 4]! + product;
      }
      return fround(sumOf(lanes) * fround(scale)) + hidden;
    });
    const most = Math.max(...scores);
    const weights = scores.map((score) => exp(fround(score - most)));
    const lanes = new Float32Array(4);
    for (const [position, weight] of weights.entries()) {
      lanes[position % 4] = lanes[position % 4]! + weight;
    }
    const inverse = fround(1 / sumOf(lanes));
    for (let k = 0; k < size; k++) {
      const sum = weights.reduce(
        (total, weight, position) =>
          fround(total + fround(weight * values.data[position * size + k]!)),
        0,
      );
      data[start + k] = sum * inverse;
    }
  }
  return { width: size, data };
}

/** The sum of four lanes, in pairs. */
function sumOf([a = 0, b = 0, c = 0, d = 0]: Float32Array): number {
  return fround(fround(a + b) + fround(c + d));
}
