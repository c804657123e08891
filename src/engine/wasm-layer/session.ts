import type { LanguageTower } from "#domain/architecture.ts";
import { tensor } from "#domain/tensor.ts";
import type { Queries } from "#graph/decoder-layer.ts";
import type { KeptTensors } from "../runtime/kept-tensors.ts";
import type { Session, SessionInput, SessionTensor } from "../runtime/runtime.ts";
import { attend, type Stretch } from "./attention.ts";
import type { Arena } from "./kernel.ts";
import { type Layer, ROWS_AT_ONCE } from "./layer.ts";

type Inputs = Readonly<Record<string, SessionInput>>;

/** What a session of a layer is made of. */
export interface LayerParts {
  readonly name: string;
  readonly tower: LanguageTower;
  readonly queries: Queries;
  readonly layer: Layer;
  /** Where attention works: shared by all layers, as it keeps nothing. */
  readonly arena: Arena;
  readonly kept: KeptTensors;
}

/** A layer as a session: inputs and outputs are those of `decoderLayerGraph`. */
export function layerSession(parts: LayerParts): Session {
  let { layer } = parts as { layer: Layer | undefined };
  return {
    async run(inputs, outputs, keep = {}) {
      if (layer === undefined) throw new Error(`stage ${parts.name} has been released`);
      try {
        const results = runLayer({ ...parts, layer }, inputs);
        for (const [output, order] of Object.entries(keep))
          parts.kept.put(order, resultOf(results, output));
        return Object.fromEntries(outputs.map((output) => [output, resultOf(results, output)]));
      } catch (cause) {
        throw new Error(`stage ${parts.name} failed to run`, { cause });
      }
    },
    async release() {
      layer = undefined;
    },
  };
}

type Results = Readonly<Record<string, SessionTensor>>;

function resultOf(results: Results, output: string): SessionTensor {
  const result = results[output];
  if (result === undefined) throw new Error(`a layer yields no ${output}`);
  return result;
}

function runLayer(parts: LayerParts, inputs: Inputs): Results {
  const { tower, queries } = parts;
  const { keyValueHeads, headSize, hiddenSize } = tower;
  const hidden = inputOf(parts, inputs, "hidden");
  const [branches = 0, length = 0] = hidden.shape;
  const asking =
    queries === "all" ? length : (inputOf(parts, inputs, "queryCosines").shape[1] ?? 0);
  const window = projectWindow(parts, inputs, hidden, asking);
  const mixed = mixWindows(parts, inputs, window);
  const result = new Float32Array(branches * asking * hiddenSize);
  const width = tower.heads * headSize;
  for (const { row, count, asked } of chunksOf(branches, length, length - asking)) {
    const rows = hidden.data.subarray(row * hiddenSize, (row + count) * hiddenSize);
    const of = mixed.subarray(asked * width, (asked + count) * width);
    result.set(parts.layer.finish(rows, of), asked * hiddenSize);
  }
  const shape = [branches, keyValueHeads, length, headSize];
  return {
    hiddenOut: tensor([branches, asking, hiddenSize], result),
    keys: tensor(shape, window.keys),
    values: tensor(shape, window.values),
  };
}

/** All queries that ask, [B · Q, heads · d], and the keys and values of all positions, [B, G, M, d]. */
interface Window {
  readonly branches: number;
  readonly length: number;
  readonly asking: number;
  readonly query: Float32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;
}

function projectWindow(
  { layer, tower, ...parts }: LayerParts,
  inputs: Inputs,
  hidden: Floats,
  asking: number,
): Window {
  const { hiddenSize, heads, keyValueHeads, headSize } = tower;
  const [branches = 0, length = 0] = hidden.shape;
  const half = headSize / 2;
  const cosines = inputOf(parts, inputs, "cosines").data;
  const sines = inputOf(parts, inputs, "sines").data;
  const query = new Float32Array(branches * asking * heads * headSize);
  const keys = new Float32Array(branches * length * keyValueHeads * headSize);
  const values = new Float32Array(keys.length);
  for (const { branch, row, count } of chunksOf(branches, length, 0)) {
    const position = row - branch * length;
    const of = layer.project(hidden.data.subarray(row * hiddenSize, (row + count) * hiddenSize), {
      cosines: cosines.subarray(position * half, (position + count) * half),
      sines: sines.subarray(position * half, (position + count) * half),
    });
    for (let index = 0; index < count; index++) {
      const asked = position + index - (length - asking);
      if (asked >= 0) copyRow(of.query, index, query, branch * asking + asked, heads * headSize);
      for (let group = 0; group < keyValueHeads; group++) {
        const [from, to] = [
          index * keyValueHeads + group,
          (branch * keyValueHeads + group) * length + position + index,
        ];
        copyRow(of.key, from, keys, to, headSize);
        copyRow(of.value, from, values, to, headSize);
      }
    }
  }
  return { branches, length, asking, query, keys, values };
}

function copyRow(
  source: Float32Array,
  from: number,
  target: Float32Array,
  to: number,
  width: number,
): void {
  target.set(source.subarray(from * width, (from + 1) * width), to * width);
}

/** Attention of each sequence over what it sees: branches side by side, or windows of several sequences one behind another. */
function mixWindows(parts: LayerParts, inputs: Inputs, window: Window): Float32Array {
  const { tower, arena } = parts;
  const mixed = new Float32Array(window.query.length);
  for (const { context, mask, first, positions, branch } of sequencesOf(parts, inputs, window)) {
    const ask = Math.min(window.asking, positions);
    attend(arena, tower, {
      query: window.query,
      firstQuery: branch * window.asking + (ask < positions ? 0 : first),
      queries: ask,
      context,
      window: branchOf(window, tower, branch, first, positions),
      mask,
      mixed,
    });
  }
  return mixed;
}

interface Sequence {
  readonly branch: number;
  /** Its first row within the branch, and how many it has. */
  readonly first: number;
  readonly positions: number;
  readonly context: Stretch;
  readonly mask: Float32Array;
}

function sequencesOf(parts: LayerParts, inputs: Inputs, window: Window): readonly Sequence[] {
  const { branches, length } = window;
  const { keyValueHeads, headSize } = parts.tower;
  const sequences: Sequence[] = [];
  let first = 0;
  for (let number = 0; ; number++) {
    const suffix = number === 0 ? "" : `${number}`;
    if (inputs[`mask${suffix}`] === undefined) return sequences;
    const { shape, data } = inputOf(parts, inputs, `mask${suffix}`);
    const [masks = 1, , , seen = 0] = shape;
    const keys = inputOf(parts, inputs, `contextKeys${suffix}`);
    const values = inputOf(parts, inputs, `contextValues${suffix}`);
    const [, , positions = 0] = keys.shape;
    if (seen === 0) continue; // a sequence that is not there
    const size = keyValueHeads * positions * headSize;
    for (let branch = 0; branch < branches; branch++) {
      const of = (all: Float32Array): Float32Array =>
        all.subarray(branch * size, (branch + 1) * size);
      const mask = masks === 1 ? 0 : branch * seen;
      sequences.push({
        ...{ branch, first, positions: seen - positions },
        context: {
          ...{ keys: of(keys.data), values: of(values.data) },
          ...{ first: 0, positions, stride: positions },
        },
        mask: data.subarray(mask, mask + seen),
      });
    }
    first += seen - positions;
    if (first > length) throw new RangeError(`masks of ${first} rows over a window of ${length}`);
  }
}

function branchOf(
  { keys, values, length }: Window,
  { keyValueHeads, headSize }: LanguageTower,
  branch: number,
  first: number,
  positions: number,
): Stretch {
  const size = keyValueHeads * length * headSize;
  const of = (all: Float32Array): Float32Array => all.subarray(branch * size, (branch + 1) * size);
  return { keys: of(keys), values: of(values), first, positions, stride: length };
}

/** Parts of the rows from `first` of each branch on; `asked` counts those rows only. */
function* chunksOf(
  branches: number,
  length: number,
  first: number,
): Iterable<{
  readonly branch: number;
  readonly row: number;
  readonly asked: number;
  readonly count: number;
}> {
  for (let branch = 0; branch < branches; branch++) {
    for (let at = first; at < length; at += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, length - at);
      const asked = branch * (length - first) + at - first;
      yield { branch, row: branch * length + at, asked, count };
    }
  }
}

interface Floats {
  readonly shape: SessionTensor["shape"];
  readonly data: Float32Array;
}

function inputOf({ kept }: Pick<LayerParts, "kept">, inputs: Inputs, name: string): Floats {
  const input = inputs[name];
  if (input === undefined) throw new Error(`a layer lacks its input ${name}`);
  const { shape, data } = "shelf" in input ? kept.take(input) : input;
  if (!(data instanceof Float32Array)) throw new TypeError(`${name} is no float32 tensor`);
  return { shape, data };
}
