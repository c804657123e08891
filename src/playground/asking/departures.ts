import type { ModelBody } from "#wire/api/models.ts";
import { defaultOptions, type Options } from "./draft.ts";

/** An option that is not as the model's card has it. */
export interface Departure {
  readonly option: keyof Options;
  /** What that means for the answer; null where it means nothing but itself. */
  readonly words: string | null;
}

/** What of the options leaves the model's card, in their order. */
export function departures(options: Options, model: ModelBody | null): readonly Departure[] {
  return (Object.keys(defaultOptions) as (keyof Options)[])
    .filter((option) => isLeft(option, options, model))
    .map((option) => ({ option, words: wordsFor(option, options, model) }));
}

function isLeft(option: keyof Options, options: Options, model: ModelBody | null): boolean {
  const value = options[option];
  if (value === null || value === "") return false;
  switch (option) {
    case "canvas":
      return value !== model?.canvas.default;
    case "steps":
      return value !== (options.canvas ?? model?.canvas.default);
    case "mode":
      return value !== model?.mode;
    case "blockLength":
      return value !== model?.block_length;
    case "temperature":
    case "seed":
      return value !== 0;
    default:
      return true;
  }
}

function wordsFor(option: keyof Options, options: Options, model: ModelBody | null): string | null {
  const { canvas, steps, temperature } = options;
  const size = canvas ?? model?.canvas.default ?? 0;
  switch (option) {
    case "canvas":
      return model !== null && size > model.canvas.recommended
        ? `The model was trained with ${model.canvas.recommended} positions: beyond them answers get worse, and may be empty.`
        : "A smaller canvas is cheaper, and cuts off what does not fit.";
    case "steps":
      return (steps ?? 0) < size
        ? "Fewer steps than positions: several words are written at once, without having seen one another."
        : null;
    case "blockLength":
      return "Blocks are filled one after the other, from left to right.";
    case "mode":
      return options.mode === "exact"
        ? "exact computes everything in every step: dearer, with the reference's tokens."
        : `The card recommends ${model?.mode ?? "another mode"}.`;
    case "temperature":
      return (temperature ?? 0) > 0 ? "Above 0 the answer is drawn by lot, from the seed." : null;
    default:
      return null;
  }
}
