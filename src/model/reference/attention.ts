import type { Rows } from "./arithmetic.ts";

/**
 * softmax(q kᵀ / √d) v for each head, every row of `query` seeing every row of `keys`. Query heads share key heads in order:
 * with g query heads per key head, query head h reads key head ⌊h / g⌋.
 */
export function attend(query: Rows, keys: Rows, values: Rows, headSize: number): Rows {
  const heads = query.width / headSize;
  const group = heads / (keys.width / headSize);
  const data = new Float64Array(query.data.length);
  for (let row = 0; row * query.width < data.length; row++) {
    for (let head = 0; head < heads; head++) {
      const start = row * query.width + head * headSize;
      const shared = Math.floor(head / group) * headSize;
      const vector = query.data.subarray(start, start + headSize);
      const weights = softmax(scores(vector, keys, shared));
      data.set(weightedSum(weights, values, shared, headSize), start);
    }
  }
  return { width: query.width, data };
}

/** Numbers that sum to one, in the proportions of the exponentials. */
export function softmax(logits: readonly number[]): number[] {
  const maximum = Math.max(...logits);
  const terms = logits.map((logit) => Math.exp(logit - maximum));
  const sum = terms.reduce((total, term) => total + term, 0);
  return terms.map((term) => term / sum);
}

/**
 * Rotates row r by the angles of position `positions[r]`: coordinates i and i + d/2 of each head turn by position · θ^(−2i/d).
 * Source: Su et al., RoFormer, equation 34, in the half-split arrangement of rotate_half in modeling_llada.py.
 */
export function rotate(
  x: Rows,
  positions: readonly number[],
  headSize: number,
  theta: number,
): Rows {
  const half = headSize / 2;
  const data = new Float64Array(x.data.length);
  for (const [row, position] of positions.entries()) {
    for (let start = row * x.width; start < (row + 1) * x.width; start += headSize) {
      for (let i = 0; i < half; i++) {
        // The reference multiplies in float32; so do all who must agree with it at large positions.
        const frequency = Math.fround(1 / Math.fround(theta ** Math.fround((2 * i) / headSize)));
        const angle = Math.fround(position * frequency);
        const low = x.data[start + i]!;
        const high = x.data[start + half + i]!;
        data[start + i] = low * Math.cos(angle) - high * Math.sin(angle);
        data[start + half + i] = high * Math.cos(angle) + low * Math.sin(angle);
      }
    }
  }
  return { width: x.width, data };
}

function scores(vector: Float64Array, keys: Rows, offset: number): number[] {
  const count = keys.data.length / keys.width;
  return Array.from({ length: count }, (_, row) => {
    const start = row * keys.width + offset;
    const product = vector.reduce((sum, value, k) => sum + value * keys.data[start + k]!, 0);
    return product / Math.sqrt(vector.length);
  });
}

function weightedSum(
  weights: readonly number[],
  values: Rows,
  offset: number,
  headSize: number,
): Float64Array {
  const sum = new Float64Array(headSize);
  for (const [row, weight] of weights.entries()) {
    for (let k = 0; k < headSize; k++)
      sum[k]! += weight * values.data[row * values.width + offset + k]!;
  }
  return sum;
}
