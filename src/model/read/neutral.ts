import type { ImageLayout } from "#domain/image/layout.ts";
import type { Picture } from "#domain/tensor.ts";
import type { Read, Slot } from "../template/template.ts";
import type { Kept } from "../vision/kept-features.ts";
import type { SlotScores } from "./slots.ts";

/** ln p of each option of each slot of a read, as `SlotScores` has them, by what `neutralKey` names. */
export type KeptScores = Kept<readonly (readonly number[])[]>;

/** Grey in the middle of what a pixel can be: it shows nothing, and no model was trained to see something in it. */
const GREY = 128;

/** A picture that shows nothing, as large as one view of the model's. */
export function neutralPicture(side: number): Picture {
  return {
    width: side,
    height: side,
    pixelsHWC: new Uint8Array(3 * side * side).fill(GREY),
  };
}

/**
 * Names what a read scores with pictures that show nothing: the ids of its prompt, how each such picture is cut, and its canvas. With
 * the weights, which are one model's, these determine it.
 */
export function neutralKey(
  ids: readonly number[],
  layout: ImageLayout,
  { lines }: Pick<Read, "lines">,
): string {
  const canvas = lines.map(({ before, place, after }) => {
    const its = place?.kind === "hole" ? place.width : (place?.groups ?? null);
    return [before, its, after];
  });
  return JSON.stringify([ids, layout, canvas]);
}

/** The scores of a read's slots by the slots themselves. */
export function scoresOf(
  slots: readonly Slot[],
  scores: readonly (readonly number[])[],
): readonly SlotScores[] {
  return slots.map((slot, index) => ({ slot, scores: scores[index] ?? [] }));
}
