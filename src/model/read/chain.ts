import type { Tensor } from "#domain/tensor.ts";
import type { Engine } from "../engine.ts";
import type { TokenOption } from "../template/options.ts";
import { askPlaces } from "./ask.ts";
import { openReadCanvas, writeTokens } from "./canvas.ts";

/** Where an option would stand. */
export interface ChainPlace {
  /** The canvas with masks where options stand [L]. */
  readonly ids: readonly number[];
  /** Position of an option's first token. */
  readonly from: number;
}

/**
 * Returns ln p of an option as the model would write it: one token a pass, at the place at which the model is surest of whatever
 * it would write there, so that the order hangs on what is written and not on the option. Places behind the option stay masked.
 * Source: DUEL, 2603.01367, of a deterministic order; the places are taken as given.
 */
export async function chainScore(
  engine: Engine,
  promptPD: Tensor,
  { ids, from }: ChainPlace,
  { tokens }: TokenOption,
  signal: AbortSignal,
): Promise<number> {
  const canvas = await openReadCanvas(engine, promptPD, ids, signal);
  let left = tokens.map((token, offset) => ({ at: from + offset, token }));
  let score = 0;
  while (left.length > 0) {
    const places = left.map(({ at, token }) => ({ at, tokens: [token] }));
    const told = await askPlaces(engine, canvas, places, { best: 1 }, signal);
    const likeliest = told.map(({ logProbs }) => Math.max(...logProbs.values()));
    const next = likeliest.indexOf(Math.max(...likeliest));
    const written = left[next]!;
    score += told[next]!.logProbs.get(written.token)!;
    left = left.toSpliced(next, 1);
    if (left.length > 0) await writeTokens(engine, canvas, [written], signal);
  }
  return score;
}
