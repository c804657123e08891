/**
 * The network's arithmetic written as the formulas stand, in double precision and without a thought for speed: what fast providers
 * are measured against when they start. Matrices are row-major.
 */

/** Rows of equal width, one behind the other. */
export interface Rows {
  readonly width: number;
  readonly data: Float64Array;
}

/** Finds a tensor's numbers in its logical shape by its name inside the stage; undefined if the stage has none of that name. */
export type WeightLookup = (name: string) => Float32Array | undefined;

/** Like the lookup itself, for a tensor that must be there. Throws an Error that names it. */
export function weightOf(weights: WeightLookup, name: string): Float32Array {
  const found = weights(name);
  if (found === undefined) throw new Error(`the reference forward misses ${name}`);
  return found;
}

/** x Wᵀ + b with W [out, in] = `name`.weight, or `weight` alone without a name; no bias where there is none. */
export function linear(weights: WeightLookup, x: Rows, name?: string): Rows {
  const prefix = name === undefined ? "" : `${name}.`;
  const weight = weightOf(weights, `${prefix}weight`);
  const bias = weights(`${prefix}bias`);
  const width = weight.length / x.width;
  const count = x.data.length / x.width;
  const data = new Float64Array(count * width);
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < width; column++) {
      let sum = bias?.[column] ?? 0;
      for (let k = 0; k < x.width; k++) {
        sum += x.data[row * x.width + k]! * weight[column * x.width + k]!;
      }
      data[row * width + column] = sum;
    }
  }
  return { width, data };
}

/** x / √(mean x² + ε) ⊙ w for each row. */
export function rmsNorm(x: Rows, weight: Float32Array, epsilon: number): Rows {
  return mapRows(x, (row) => {
    const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / x.width;
    return row.map((value, k) => (value / Math.sqrt(meanSquare + epsilon)) * weight[k]!);
  });
}

/** (x − mean) / √(variance + ε) ⊙ w + b for each row. */
export function layerNorm(
  x: Rows,
  weight: Float32Array,
  bias: Float32Array,
  epsilon: number,
): Rows {
  return mapRows(x, (row) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / x.width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.width;
    const deviation = Math.sqrt(variance + epsilon);
    return row.map((value, k) => ((value - mean) / deviation) * weight[k]! + bias[k]!);
  });
}

/** Adds two equally shaped matrices. */
export function add(a: Rows, b: Rows): Rows {
  return { width: a.width, data: a.data.map((value, k) => value + b.data[k]!) };
}

/** x · sigmoid(x). */
export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** GELU by its tanh approximation, as the vision tower has it. */
export function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** GELU with the error function, as the projector has it. */
export function geluExact(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!!; all terms have one sign, so no digits cancel. Source: DLMF 7.6.2. */
function erf(x: number): number {
  // Beyond this the difference from ±1 is below 1e-17.
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function mapRows(x: Rows, change: (row: Float64Array) => Float64Array): Rows {
  const data = new Float64Array(x.data.length);
  for (let start = 0; start < data.length; start += x.width) {
    data.set(change(x.data.subarray(start, start + x.width)), start);
  }
  return { width: x.width, data };
}
