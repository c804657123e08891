import type { Message } from "./question.ts";

/** What a model was trained for. No tensor says it: whoever made the model does, in the bundle's manifest. */
export interface Abilities {
  readonly canvas: CanvasRange;
  /** Whether it was trained with system messages of the caller's own. */
  readonly systemMessages: boolean;
  /** Whether it was trained with more than one picture in a conversation, and so with any behind the user's first message. */
  readonly severalPictures: boolean;
  /** Whether it was trained with conversations of more than one turn. */
  readonly severalTurns: boolean;
}

/** Positions of a canvas, 1 ≤ standard ≤ recommended ≤ limit. */
export interface CanvasRange {
  /** Where the request names none. */
  readonly standard: number;
  /** The longest that the model was trained for; beyond it answers fall apart, often to nothing. */
  readonly recommended: number;
  /** The longest that is taken at all. */
  readonly limit: number;
}

/**
 * What is believed of a model whose maker says nothing: LLaDA-V's canvases, and every ability, so that nothing that is asked
 * is dropped on a guess. Source of 128: `generate_demo.py` of the reference, its longest; of 512: the longest of its cache's evaluation.
 */
export const UNTOLD_ABILITIES: Abilities = {
  canvas: { standard: 32, recommended: 128, limit: 512 },
  systemMessages: true,
  severalPictures: true,
  severalTurns: true,
};

/** What of a question a model was not trained for. It is answered all the same, and the reply says so. */
export type Warning =
  | {
      readonly kind: "canvas_not_recommended";
      readonly canvas: number;
      readonly recommended: number;
    }
  | { readonly kind: "system_message_dropped" }
  | { readonly kind: "several_pictures_untrained"; readonly pictures: number }
  /** A picture that a message behind the user's first brings. */
  | { readonly kind: "late_picture_untrained" }
  | { readonly kind: "several_turns_untrained" }
  /** A JSON Schema leaves open what a canvas cannot: each of `bounds` says where, and how it was read. */
  | { readonly kind: "schema_bounds_assumed"; readonly bounds: readonly string[] };

/** Says what is wrong with the order of a range; undefined where nothing is. */
export function canvasRangeFault({
  standard,
  recommended,
  limit,
}: CanvasRange): string | undefined {
  return standard >= 1 && standard <= recommended && recommended <= limit
    ? undefined
    : `a canvas of ${standard} by default, ${recommended} recommended, ${limit} at most: each must be as long as the one before`;
}

/**
 * Fits a question to what the model knows: a system message to a model that knows none is dropped, since it would change
 * the answer and not be followed. Everything else is asked as it is, with a warning.
 */
export function fitToAbilities(
  asked: {
    readonly messages: readonly Message[];
    readonly pictures: number;
    readonly canvas: number;
  },
  abilities: Abilities,
): { readonly messages: readonly Message[]; readonly warnings: readonly Warning[] } {
  const { pictures, canvas } = asked;
  const messages = abilities.systemMessages
    ? asked.messages
    : asked.messages.filter(({ role }) => role !== "system");
  const { recommended } = abilities.canvas;
  const warnings: Warning[] = [];
  if (canvas > recommended) warnings.push({ kind: "canvas_not_recommended", canvas, recommended });
  if (messages.length < asked.messages.length) warnings.push({ kind: "system_message_dropped" });
  if (pictures > 1 && !abilities.severalPictures)
    warnings.push({ kind: "several_pictures_untrained", pictures });
  if (isLate(messages) && !abilities.severalPictures)
    warnings.push({ kind: "late_picture_untrained" });
  if (messages.some(({ role }) => role === "assistant") && !abilities.severalTurns)
    warnings.push({ kind: "several_turns_untrained" });
  return { messages, warnings };
}

function isLate(messages: readonly Message[]): boolean {
  const first = messages.findIndex(({ role }) => role === "user");
  return messages.findLastIndex(({ pictures = 0 }) => pictures > 0) > first;
}
