/** An endless stream of numbers evenly spread over the open interval 0 … 1, which can be left forward without drawing. */
export interface UniformStream {
  next(): number;
  /** Passes over `count` numbers, at the cost of one. */
  skip(count: number): void;
}

/**
 * Makes the stream that belongs to a seed: mulberry32 on the seed's lowest 32 bits, as (n + 0.5) / 2^32.
 * Statistically fine for sampling, useless for secrets; repeats after 2^32 numbers.
 *
 * Source: Tommy Ettinger, mulberry32 (public domain); the half keeps 0 out, where the Gumbel noise is −∞.
 */
export function mulberry32(seed: number): UniformStream {
  const increment = 0x6d2b79f5;
  let state = seed | 0;
  return {
    next() {
      state = (state + increment) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 + 0.5 / 2 ** 32;
    },
    skip(count) {
      state = (state + Math.imul(count, increment)) | 0;
    },
  };
}

/**
 * Draws what is added to the logits of the asked rows at a temperature above 0: [rows, columns].
 * The largest of exp(z) / (−ln u)^τ is the largest of z − τ · ln(−ln u), without the overflow.
 *
 * `sequenceLength` set: the stream is spent as if every position of the sequence had been drawn, as the reference does;
 * absent: only what is used is drawn. Source: `add_gumbel_noise` in modeling_llada.py; arXiv 2409.02908 for the form.
 */
export function gumbelNoise(
  rows: readonly number[],
  columns: number,
  temperature: number,
  uniform: UniformStream,
  sequenceLength?: number,
): Float32Array {
  const noiseRV = new Float32Array(rows.length * columns);
  let offset = 0;
  for (const skipped of gaps(rows, sequenceLength)) {
    uniform.skip(skipped * columns);
    const end = Math.min(offset + columns, noiseRV.length);
    for (; offset < end; offset++) {
      noiseRV[offset] = -temperature * Math.log(-Math.log(uniform.next()));
    }
  }
  return noiseRV;
}

/** Draws a random confidence for each asked row, rounded to float32; `sequenceLength` as for the Gumbel noise. */
export function randomScores(
  rows: readonly number[],
  uniform: UniformStream,
  sequenceLength?: number,
): number[] {
  const scores: number[] = [];
  for (const skipped of gaps(rows, sequenceLength)) {
    uniform.skip(skipped);
    if (scores.length < rows.length) scores.push(Math.fround(uniform.next()));
  }
  return scores;
}

/** How many positions lie before each asked row and after the last: `rows.length + 1` counts, all 0 without a sequence. */
function gaps(rows: readonly number[], sequenceLength: number | undefined): number[] {
  if (sequenceLength === undefined) return [...rows.map(() => 0), 0];
  return [...rows, sequenceLength].map((row, index) => row - (rows[index - 1] ?? -1) - 1);
}
