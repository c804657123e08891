import type { Architecture, SpecialTokens } from "#domain/architecture.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { Engine, ForwardPass, Predictions, Prefix } from "#model/engine.ts";
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

/**
 * A network by hand: the logits of a position, given the ids of the whole sequence (image vectors read as −1), and the ids that
 * the sequence had when its prefix was computed: the same ones where no prefix is kept.
 */
export type FakeLogits = (
  sequence: readonly number[],
  position: number,
  refreshed: readonly number[],
) => ArrayLike<number>;

/** An engine whose head says what it is told, with every pass that was asked of it. */
export interface FakeEngine extends Engine {
  readonly passes: ForwardPass[];
  /** Prefixes that are open. */
  openPrefixes(): number;
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
  const open = new Set<FakePrefix>();
  return {
    architecture,
    passes,
    openPrefixes: () => open.size,
    prefixLimit: Number.POSITIVE_INFINITY,
    openPrefix() {
      const prefix = new FakePrefix(() => open.delete(prefix));
      open.add(prefix);
      return prefix;
    },
    async encodeImage({ shape: [views = 0], data }, _signal, onTower) {
      const patches = 4;
      // The tower's one channel of the first view is how bright its first pixel is.
      onTower?.(tensor([patches, 1], new Float32Array(patches).fill(data[0] ?? 0)));
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
      const refreshed = refreshedBy(pass);
      return predictions(pass, (position) => rowLogits(pass, position, logits, refreshed), columns);
    },
  };
}

/** Logits that make each canvas position say one token, with a sharpness that orders the positions. */
export function oneHot(columns: number, token: number, sharpness: number): Float32Array {
  const row = new Float32Array(columns);
  row[token] = sharpness;
  return row;
}

/** Remembers the sequences of the pass that filled it. */
class FakePrefix implements Prefix {
  readonly #onRelease: () => void;
  #state: { length: number; sequences: Sequences } | undefined;
  #isReleased = false;

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease;
  }

  get length(): number {
    return this.#state?.length ?? 0;
  }

  fill(length: number, sequences: Sequences): Sequences {
    if (this.#isReleased) throw new RangeError("the prefix has been released");
    this.#state = { length, sequences };
    return sequences;
  }

  seen(length: number, isGuided: boolean): Sequences {
    const state = this.#state;
    const fits =
      state?.length === length && (state.sequences.unconditional !== undefined) === isGuided;
    if (state === undefined || !fits) throw new RangeError(`the prefix keeps ${this.length}`);
    return state.sequences;
  }

  release(): void {
    this.#isReleased = true;
    this.#state = undefined;
    this.#onRelease();
  }
}

interface Sequences {
  readonly conditional: readonly number[];
  readonly unconditional: readonly number[] | undefined;
}

/** What the prefix of a pass was computed from. */
function refreshedBy({ embeddingsSD, guidance, prefix, rows }: ForwardPass): Sequences {
  const now: Sequences = {
    conditional: sequenceOf(embeddingsSD),
    unconditional: guidance && sequenceOf(guidance.unconditionalSD),
  };
  if (prefix === undefined) return now;
  const { kept, length, refresh } = prefix;
  if (!(kept instanceof FakePrefix)) throw new TypeError("the prefix is another engine's");
  if (length < 0 || length >= now.conditional.length)
    throw new RangeError(`a prefix of ${length} positions`);
  if (refresh === "whole") return kept.fill(length, now);
  if ((rows[0] ?? 0) < length) throw new RangeError(`row ${rows[0]} lies in the prefix`);
  const seen = kept.seen(length, guidance !== undefined);
  return refresh === "none" ? seen : kept.fill(length, now);
}

function rowLogits(
  pass: ForwardPass,
  position: number,
  logits: FakeLogits,
  refreshed: Sequences,
): number[] {
  const length = pass.prefix?.length ?? 0;
  const now = (sequence: Tensor, before: readonly number[]) => [
    ...before.slice(0, length),
    ...sequenceOf(sequence).slice(length),
  ];
  const { conditional, unconditional = [] } = refreshed;
  const likely = Array.from(logits(now(pass.embeddingsSD, conditional), position, conditional));
  if (pass.guidance === undefined) return likely;
  const { unconditionalSD, scale } = pass.guidance;
  const without = logits(now(unconditionalSD, unconditional), position, unconditional);
  return likely.map((value, column) => {
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
  const best = pass.best === undefined ? undefined : Math.min(pass.best, columns);
  const result: Predictions = {
    tokens: new Int32Array(count),
    chosenLogits: new Float32Array(count),
    maxLogits: new Float32Array(count),
    runnerUpLogits: new Float32Array(count),
    tails: new Float32Array(count),
    slopes: new Float32Array(count),
    ...(pass.asked && { askedLogits: new Float32Array(pass.asked.rows.length) }),
    ...(best !== undefined && {
      best: {
        count: best,
        tokensRN: new Int32Array(count * best),
        logitsRN: new Float32Array(count * best),
      },
    }),
  };
  for (const [row, position] of pass.rows.entries()) {
    const logits = logitsAt(position);
    suppress(logits, pass, row);
    const noised = logits.map(
      (value, column) => value + (pass.noiseRV?.[row * columns + column] ?? 0),
    );
    const token = noised.indexOf(Math.max(...noised));
    const likeliest = logits.indexOf(Math.max(...logits));
    const others = logits.toSpliced(likeliest, 1);
    const largest = logits[likeliest] ?? 0;
    result.tokens[row] = token;
    result.chosenLogits[row] = logits[token] ?? 0;
    result.maxLogits[row] = largest;
    result.runnerUpLogits[row] = Math.max(...others);
    result.tails[row] = others.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    const finite = others.filter(Number.isFinite);
    result.slopes[row] = finite.reduce(
      (sum, value) => sum + Math.exp(value - largest) * (value - largest),
      0,
    );
    tellAsked(result, pass, row, logits);
    tellBest(result, row, logits);
  }
  return result;
}

function suppress(logits: number[], { suppressed, classes }: ForwardPass, row: number): void {
  const rule = classes?.columns[classes.ofRows[row] ?? -1] ?? { not: [] };
  const isNamed = (column: number): boolean =>
    "only" in rule ? !rule.only.includes(column) : rule.not.includes(column);
  for (const column of logits.keys())
    if (suppressed.includes(column) || isNamed(column)) logits[column] = Number.NEGATIVE_INFINITY;
}

function tellAsked(
  { askedLogits }: Predictions,
  { asked }: ForwardPass,
  row: number,
  logits: readonly number[],
): void {
  for (const [index, place] of asked?.rows.entries() ?? [])
    if (place === row && askedLogits !== undefined)
      askedLogits[index] = logits[asked?.tokens[index] ?? -1] ?? Number.NaN;
}

function tellBest({ best }: Predictions, row: number, logits: readonly number[]): void {
  if (best === undefined) return;
  const { count, tokensRN, logitsRN } = best;
  const ranked = [...logits.keys()].toSorted((a, b) => logits[b]! - logits[a]! || a - b);
  for (const [rank, column] of ranked.slice(0, count).entries()) {
    tokensRN[row * count + rank] = column;
    logitsRN[row * count + rank] = logits[column]!;
  }
}
