import { decodingOf } from "#domain/architecture.ts";
import { logProbOf } from "../decode/confidence.ts";
import type { Engine, ForwardPass, Predictions, PrefixUse } from "../engine.ts";
import type { ReadCanvas } from "./canvas.ts";

/** Tokens whose probabilities are wanted at a position of a canvas. */
export interface AskedPlace {
  /** Position in the canvas; those of one pass ascend. */
  readonly at: number;
  readonly tokens: Iterable<number>;
}

/** What a pass says of one position. */
export interface PlaceRead {
  /** Natural logarithms of probabilities over the whole vocabulary but for what the model may never write. */
  readonly logProbs: ReadonlyMap<number, number>;
}

/** How a pass is run, besides what it is asked. */
export interface PassTerms {
  readonly prefix?: PrefixUse | undefined;
  /** How many of each position's likeliest tokens are told too. */
  readonly best?: number | undefined;
}

/** Runs one pass over a canvas and says what it makes of the positions asked. Nothing is written. */
export async function askPlaces(
  engine: Engine,
  { embeddingsSD, promptLength }: ReadCanvas,
  places: readonly AskedPlace[],
  { prefix, best }: PassTerms,
  signal: AbortSignal,
): Promise<readonly PlaceRead[]> {
  const { special } = engine.architecture;
  const { suppressed } = decodingOf(engine.architecture);
  const pairs = places.flatMap(({ tokens }, row) =>
    Array.from(new Set(tokens), (token) => ({ row, token })),
  );
  const pass: ForwardPass = {
    embeddingsSD,
    rows: places.map(({ at }) => promptLength + at),
    suppressed: [...suppressed, special.mask],
    asked: {
      rows: Int32Array.from(pairs, ({ row }) => row),
      tokens: Int32Array.from(pairs, ({ token }) => token),
    },
    ...(prefix === undefined ? {} : { prefix }),
    ...(best === undefined ? {} : { best }),
  };
  const predictions = await engine.denoise(pass, signal);
  const logProbs = places.map(() => new Map<number, number>());
  for (const [index, { row, token }] of pairs.entries()) {
    const logit = predictions.askedLogits?.[index] ?? Number.NEGATIVE_INFINITY;
    logProbs[row]!.set(token, logProbOf(predictions, row, logit));
  }
  addBest(predictions, logProbs);
  return logProbs.map((found) => ({ logProbs: found }));
}

function addBest(predictions: Predictions, logProbs: readonly Map<number, number>[]): void {
  const { best } = predictions;
  if (best === undefined) return;
  for (const [row, found] of logProbs.entries()) {
    for (let at = row * best.count; at < (row + 1) * best.count; at++)
      found.set(best.tokensRN[at]!, logProbOf(predictions, row, best.logitsRN[at]!));
  }
}
