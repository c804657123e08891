import type { LanguageTower } from "#domain/architecture.ts";
import type { LoadedStage } from "#domain/bundle.ts";
import type { Area, Arena } from "./kernel.ts";
import { type LayerWeights, packLayer } from "./layer-weights.ts";
import { type ActivationKind, type Activations, TILE_ROWS } from "./linear.ts";

/** Rows that go through the linears at a time: what they take beside the weights is 5 MB of an 8B. */
export const ROWS_AT_ONCE = 32;

/** Rows with what was computed of them. */
export interface Projected {
  readonly query: Float32Array;
  readonly key: Float32Array;
  readonly value: Float32Array;
}

/** One decoder layer in a kernel's memory: what of it is done row by row. Attention is between the two parts. */
export interface Layer {
  /**
   * Rotated queries and keys, and values, of at most `ROWS_AT_ONCE` rows [rows, D] with their angles [rows, d / 2]. Views, until the next call.
   */
  project(hidden: Float32Array, angles: Angles): Projected;
  /** The layer's result [rows, D] of rows and what attention mixed for them, [rows, heads · d]. A view, until the next call. */
  finish(hidden: Float32Array, mixed: Float32Array): Float32Array;
}

export interface Angles {
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
}

/** Takes a layer's weights into a kernel's memory. Throws RangeError where that has no room for them. */
export function openLayer(
  arena: Arena,
  tower: LanguageTower,
  kind: ActivationKind,
  stage: LoadedStage,
): Layer {
  const weights = packLayer(arena, kind, stage);
  const { linears } = weights;
  const { kernel } = arena;
  const { hiddenSize, heads, keyValueHeads, headSize, rmsNormEpsilon } = tower;
  const areas = takeAreas(arena, tower, weights);
  const put = (area: Area, numbers: Float32Array): void =>
    arena.floats(area, numbers.length).set(numbers);
  const norm = (source: Area, by: Area, rows: number): void => {
    kernel.rmsNorm(source, by, areas.normed, rows, hiddenSize, rmsNormEpsilon);
    weights.quantise(areas.normed, areas.activations, rows, hiddenSize);
  };
  return {
    project(hidden, { cosines, sines }) {
      const count = hidden.length / hiddenSize;
      const rows = inFours(count);
      put(areas.hidden, hidden);
      put(areas.cosines, cosines);
      put(areas.sines, sines);
      norm(areas.hidden, weights.inputNorm, rows);
      linears.query.multiply(areas.activations, areas.query, rows);
      linears.key.multiply(areas.activations, areas.key, rows);
      linears.value.multiply(areas.activations, areas.value, rows);
      kernel.rotate(areas.query, areas.cosines, areas.sines, count, heads, headSize);
      kernel.rotate(areas.key, areas.cosines, areas.sines, count, keyValueHeads, headSize);
      return {
        query: arena.floats(areas.query, count * linears.query.outputs),
        key: arena.floats(areas.key, count * linears.key.outputs),
        value: arena.floats(areas.value, count * linears.value.outputs),
      };
    },
    finish(hidden, mixed) {
      const count = hidden.length / hiddenSize;
      const rows = inFours(count);
      put(areas.hidden, hidden);
      put(areas.query, mixed);
      weights.quantise(areas.query, areas.activations, rows, linears.out.inputs);
      linears.out.multiply(areas.activations, areas.normed, rows);
      kernel.add(areas.hidden, areas.normed, rows * hiddenSize);
      norm(areas.hidden, weights.innerNorm, rows);
      linears.gate.multiply(areas.activations, areas.gate, rows);
      linears.up.multiply(areas.activations, areas.up, rows);
      kernel.swiGlu(areas.gate, areas.up, rows * linears.gate.outputs);
      weights.quantise(areas.gate, areas.activations, rows, linears.down.inputs);
      linears.down.multiply(areas.activations, areas.normed, rows);
      kernel.add(areas.hidden, areas.normed, rows * hiddenSize);
      return arena.floats(areas.hidden, count * hiddenSize);
    },
  };
}

type Areas = Readonly<
  Record<
    "hidden" | "normed" | "query" | "key" | "value" | "cosines" | "sines" | "gate" | "up",
    Area
  >
> & { readonly activations: Activations };

/** The working memory of a layer. Keys, values and angles are done with before the feed-forward part begins, and lie where it works. */
function takeAreas(arena: Arena, tower: LanguageTower, { linears }: LayerWeights): Areas {
  const { hiddenSize, headSize } = tower;
  const take = (width: number): Area => arena.takeFloats(ROWS_AT_ONCE * width);
  const widest = Math.max(...Object.values(linears).map(({ inputs }) => inputs));
  const activations = {
    levels: arena.take(ROWS_AT_ONCE * widest),
    scales: take(widest / 32),
    corrections: take(widest / 32),
  };
  const [hidden, normed, query] = [take(hiddenSize), take(hiddenSize), take(linears.query.outputs)];
  const shared = arena.end;
  const [gate, up] = [take(linears.gate.outputs), take(linears.up.outputs)];
  const end = arena.end;
  arena.release(shared);
  const [key, value] = [take(linears.key.outputs), take(linears.value.outputs)];
  const [cosines, sines] = [take(headSize / 2), take(headSize / 2)];
  if (end > arena.end) arena.take(end - arena.end);
  return { hidden, normed, query, key, value, cosines, sines, gate, up, activations };
}

/** Rows in whole tiles; what lies in those that lack is computed with them, and read by nobody. */
function inFours(rows: number): number {
  return Math.ceil(rows / TILE_ROWS) * TILE_ROWS;
}
