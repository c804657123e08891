import { gumbelNoise, mulberry32, type UniformStream } from "#model/decode/noise.ts";
import {
  geluExact,
  geluTanh,
  layerNorm,
  type Rows,
  rmsNorm,
  silu,
} from "#model/reference/arithmetic.ts";
import { rotate } from "#model/reference/attention.ts";
import { type Comparison, tolerances } from "./comparison.ts";
import type { NamedArrays, StoredArray } from "./tensor-file.ts";

/** Activations, norms and noise: the yardstick that providers are measured with at their start. */
export function compareNumerics(arrays: NamedArrays, comparison: Comparison): void {
  const x = [...arrays.get("x").data];
  const curves = { silu, gelu_tanh: geluTanh, gelu_erf: geluExact };
  for (const [name, curve] of Object.entries(curves)) {
    comparison.numbers(name, x.map(curve), arrays.get(name).data, tolerances.table);
  }
  const [input, weight, bias] = [
    rowsOf(arrays.get("norm_in")),
    Float32Array.from(arrays.get("norm_w").data),
    Float32Array.from(arrays.get("norm_b").data),
  ];
  for (const name of arrays.names) {
    const epsilon = Number(/norm_eps(.+)$/.exec(name)?.[1]);
    if (Number.isNaN(epsilon)) continue;
    const normed = name.startsWith("rms")
      ? rmsNorm(input, weight, epsilon)
      : layerNorm(input, weight, bias, epsilon);
    comparison.numbers(name, normed.data, arrays.get(name).data, tolerances.table);
  }
  compareNoise(arrays, comparison);
}

/** Cosines, sines and rotated vectors for each head size in the table. */
export function compareRotary(arrays: NamedArrays, theta: number, comparison: Comparison): void {
  const positions = [...arrays.get("positions").data];
  for (const name of arrays.names.filter((candidate) => candidate.startsWith("cos_"))) {
    const headSize = Number(name.slice("cos_".length));
    // The vector with ones in its first half turns into (cosines, sines).
    const ones = Float64Array.from({ length: positions.length * headSize }, (_, index) =>
      index % headSize < headSize / 2 ? 1 : 0,
    );
    const turned = rotate({ width: headSize, data: ones }, positions, headSize, theta);
    const sines = arrays.get(`sin_${headSize}`).data;
    const expected = [...arrays.get(name).data].map((cosine, index) =>
      index % headSize < headSize / 2 ? cosine : (sines[index] ?? Number.NaN),
    );
    comparison.numbers(`cos and sin of ${headSize}`, turned.data, expected, tolerances.table);
  }
  for (const name of ["q", "k"]) {
    const { shape, data } = arrays.get(name);
    const [heads = 0, , headSize = 0] = shape;
    const perHead = data.length / heads;
    const turned = Array.from({ length: heads }, (_, head) => {
      const rows = Float64Array.from(data.subarray(head * perHead, (head + 1) * perHead));
      return [...rotate({ width: headSize, data: rows }, positions, headSize, theta).data];
    });
    comparison.numbers(`${name}_rot`, turned.flat(), arrays.get(`${name}_rot`).data, 1e-5);
  }
}

/** exp(z) / (−ln u)^τ and its largest column, from the same uniform numbers. The table's form overflows, so logarithms are compared. */
function compareNoise(arrays: NamedArrays, comparison: Comparison): void {
  compareStreams(arrays, comparison);
  const logits = arrays.get("gumbel_logits");
  const [rows = 0, columns = 0] = logits.shape;
  const asked = Array.from({ length: rows }, (_, row) => row);
  for (const name of arrays.names) {
    const temperature = Number(/^gumbel_out_T(.+)$/.exec(name)?.[1]);
    if (Number.isNaN(temperature)) continue;
    const noise = gumbelNoise(
      asked,
      columns,
      temperature,
      replay(arrays.get("gumbel_uniform").data),
    );
    const noised = noise.map((value, index) => value + (logits.data[index] ?? Number.NaN));
    const expected = [...arrays.get(name).data].map(Math.log);
    comparison.numbers(name, noised, expected, 1e-5);
    const best = asked.map((row) => {
      const scores = noised.subarray(row * columns, (row + 1) * columns);
      return scores.indexOf(Math.max(...scores));
    });
    const argmax = name.replace("out", "argmax");
    comparison.numbers(argmax, best, arrays.get(argmax).data, tolerances.exact);
  }
}

/** The first numbers of mulberry32; an array's name tells the seed: `mulberry32_seed{seed}_first{count}`. */
function compareStreams(arrays: NamedArrays, comparison: Comparison): void {
  const seeded = arrays.names.flatMap((name) => {
    const seed = /^mulberry32_seed(\d+)_/.exec(name)?.[1];
    return seed === undefined ? [] : [{ name, seed: Number(seed) }];
  });
  if (seeded.length === 0) throw new Error("no array mulberry32_seed…");
  for (const { name, seed } of seeded) {
    const first = arrays.get(name).data;
    const stream = mulberry32(seed);
    const drawn = Array.from(first, () => stream.next());
    comparison.numbers(name, drawn, first, tolerances.exact);
  }
}

function replay(numbers: ArrayLike<number>): UniformStream {
  let index = 0;
  return {
    next: () => numbers[index++] ?? Number.NaN,
    skip(count) {
      index += count;
    },
  };
}

function rowsOf({ shape, data }: StoredArray): Rows {
  return { width: shape[1] ?? 1, data: Float64Array.from(data) };
}
