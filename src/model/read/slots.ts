import type { Tensor } from "#domain/tensor.ts";
import type { Engine } from "../engine.ts";
import { logRest } from "../template/distribution.ts";
import type { OptionGroup } from "../template/options.ts";
import { closedPasses, type Layout, layOut, type Read, type Slot } from "../template/template.ts";
import { type AskedPlace, askPlaces } from "./ask.ts";
import { openReadCanvas } from "./canvas.ts";
import { chainScore } from "./chain.ts";

/** What the options of a slot are worth. */
export interface SlotScores {
  readonly slot: Slot;
  /**
   * ln p of each option [K], by its index: the sum over its tokens, each over the whole vocabulary, in the pass in which all
   * slots of the canvas are masked. Options of one length are read in one pass.
   */
  readonly scores: readonly number[];
}

/**
 * Reads all slots of a canvas, in their order. Nothing is committed between them: the passes are as many as the most lengths that the options of one slot
 * have, one where each option is one token, however many slots there are.
 * @param promptPD the prompt's vectors, pictures included
 */
export async function readSlots(
  engine: Engine,
  read: Read,
  promptPD: Tensor,
  signal: AbortSignal,
): Promise<readonly SlotScores[]> {
  const found = new Map<Slot, number[]>();
  const { mask } = engine.architecture.special;
  const isChained = read.lines.some(({ place }) => place?.kind === "slot" && place.isChained);
  if (isChained) return await readChained(engine, layOut(read, 0, mask), promptPD, signal);
  for (let pass = 0; pass < closedPasses(read); pass++) {
    const { ids, slots } = layOut(read, pass, mask);
    // A slot with fewer lengths shows its last, and has been read.
    const unread = slots.filter(({ slot }) => pass < slot.groups.length);
    const canvas = await openReadCanvas(engine, promptPD, ids, signal);
    const places = unread.flatMap(({ from, group }): AskedPlace[] =>
      Array.from({ length: widest(group) }, (_, offset) => ({
        at: from + offset,
        tokens: group.options.flatMap(({ tokens }) => tokens[offset] ?? []),
      })),
    );
    const told = await askPlaces(engine, canvas, places, {}, signal);
    let first = 0;
    for (const { slot, group } of unread) {
      const scores = found.get(slot) ?? new Array<number>(slot.options).fill(0);
      found.set(slot, scores);
      for (const { index, tokens } of group.options) {
        scores[index] = tokens.reduce(
          (sum, token, offset) => sum + told[first + offset]!.logProbs.get(token)!,
          0,
        );
      }
      if (slot.hasRest === true) scores[slot.options - 1] = logRest(scores.slice(0, -1));
      first += widest(group);
    }
  }
  return [...found].map(([slot, scores]) => ({ slot, scores }));
}

/** Scores each option for itself, one after the other: they stand alone on their canvas. */
async function readChained(
  engine: Engine,
  { ids, slots }: Layout,
  promptPD: Tensor,
  signal: AbortSignal,
): Promise<SlotScores[]> {
  const read: SlotScores[] = [];
  for (const { slot, from, group } of slots) {
    const scores: number[] = [];
    for (const option of group.options)
      scores[option.index] = await chainScore(engine, promptPD, { ids, from }, option, signal);
    read.push({ slot, scores });
  }
  return read;
}

/** Positions that its options ask for. */
function widest({ options }: OptionGroup): number {
  return Math.max(...options.map(({ tokens }) => tokens.length));
}
