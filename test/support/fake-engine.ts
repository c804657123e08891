import type { Architecture, SpecialTokens } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine, ForwardPass, Predictions } from "#model/engine.ts";
import { FIRST_BYTE } from "./fake-tokenizer.ts";
import { llavaPolicy, siglip } from "./vision.ts";

/** Ids of the fake vocabulary's special tokens; the fake tokenizer writes the same ones. */
export const fakeSpecial: SpecialTokens = {
  endOfText: 0,
  beginOfText: 1,
  startHeader: 2,
  endHeader: 3,
  endOfTurn: 4,
  mask: 5,
};

/** A small architecture that passes for a vision-language checkpoint: views of 4 by 4 pixels in 2 by 2 patches. */
export const fakeArchitecture: Architecture = {
  language: {
    hiddenSize: 2,
    layers: 1,
    heads: 1,
    keyValueHeads: 1,
    headSize: 2,
    intermediateSize: 2,
    vocabSize: FIRST_BYTE + 256,
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-5,
  },
  vision: { ...siglip, imageSize: 4, patchSize: 2 },
  image: {
    ...llavaPolicy,
    gridPinpoints: [
      [4, 4],
      [8, 4],
      [4, 8],
      [8, 8],
    ],
  },
  prompt: { systemPrompt: "", maxPromptLength: 200 },
  special: fakeSpecial,
  logitsColumns: FIRST_BYTE + 256,
};

/** A network by hand: the logits of a position, given the ids of the whole sequence (image vectors read as −1). */
export type FakeLogits = (sequence: readonly number[], position: number) => ArrayLike<number>;

/** An engine whose head says what it is told, with every pass that was asked of it. */
export interface FakeEngine extends Engine {
  readonly passes: ForwardPass[];
}

/**
 * Makes an engine out of known logits. A token's vector is [id, 1], so that any sequence can be read back.
 * Keeps the engine's contract: suppression, noise for the choice alone, guidance, ties to the lowest column.
 */
export function fakeEngine(
  logits: FakeLogits,
  architecture: Architecture = fakeArchitecture,
): FakeEngine {
  const passes: ForwardPass[] = [];
  return {
    architecture,
    passes,
    async encodeImage({ shape: [views = 0] }) {
      const patches = 4;
      return tensor([views, patches, 2], new Float32Array(views * patches * 2).fill(-1));
    },
    async embedTokens(ids) {
      const { vocabSize } = architecture.language;
      const stray = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize);
      if (stray !== undefined) throw new RangeError(`token id ${stray} is not below ${vocabSize}`);
      return tensor([ids.length, 2], Float32Array.from(ids.flatMap((id) => [id, 1])));
    },
    async imageNewline() {
      return Float32Array.of(-1, 0);
    },
    async denoise(pass, signal) {
      signal.throwIfAborted();
      const { shape, data } = pass.embeddingsSD;
      passes.push({ ...pass, embeddingsSD: tensor(shape, data.slice()) }); // The decoder writes on in it.
      const columns = architecture.logitsColumns;
      return predictions(pass, (position) => rowLogits(pass, position, logits), columns);
    },
  };
}

/** Logits that make each canvas position say one token, with a sharpness that orders the positions. */
export function oneHot(columns: number, token: number, sharpness: number): Float32Array {
  const row = new Float32Array(columns);
  row[token] = sharpness;
  return row;
}

function rowLogits(pass: ForwardPass, position: number, logits: FakeLogits): number[] {
  const conditional = Array.from(logits(sequenceOf(pass.embeddingsSD), position));
  if (pass.guidance === undefined) return conditional;
  const { unconditionalSD, scale } = pass.guidance;
  const without = logits(sequenceOf(unconditionalSD), position);
  return conditional.map((value, column) => {
    const base = without[column] ?? 0;
    return base + (scale + 1) * (value - base);
  });
}

function sequenceOf({ data }: Tensor): number[] {
  return Array.from({ length: data.length / 2 }, (_, position) => data[position * 2] ?? 0);
}

function predictions(
  pass: ForwardPass,
  logitsAt: (position: number) => number[],
  columns: number,
): Predictions {
  const count = pass.rows.length;
  const result: Predictions = {
    tokens: new Int32Array(count),
    chosenLogits: new Float32Array(count),
    maxLogits: new Float32Array(count),
    runnerUpLogits: new Float32Array(count),
    tails: new Float32Array(count),
  };
  for (const [row, position] of pass.rows.entries()) {
    const logits = logitsAt(position);
    for (const column of pass.suppressed) logits[column] = Number.NEGATIVE_INFINITY;
    const noised = logits.map(
      (value, column) => value + (pass.noiseRV?.[row * columns + column] ?? 0),
    );
    const token = noised.indexOf(Math.max(...noised));
    const best = logits.indexOf(Math.max(...logits));
    const others = logits.toSpliced(best, 1);
    const largest = logits[best] ?? 0;
    result.tokens[row] = token;
    result.chosenLogits[row] = logits[token] ?? 0;
    result.maxLogits[row] = largest;
    result.runnerUpLogits[row] = Math.max(...others);
    result.tails[row] = others.reduce((sum, value) => sum + Math.exp(value - largest), 0);
  }
  return result;
}
