import type { SpecialTokens } from "./architecture.ts";
import type { FieldType } from "./fields.ts";
import type { PlacesCard } from "./places.ts";

/**
 * How a model wants to be asked for values. No tensor says it: whoever made the model does, in the bundle's manifest. Absent, it is
 * asked in lines, which needs nothing but that it follows instructions.
 */
export type ReadStyle = LinesStyle | SentenceStyle;

/** All fields in one prompt and one canvas, a line each; options are letters that the prompt explains. */
export interface LinesStyle {
  readonly style: "lines";
}

/** Each field as a question of its own, answered in the sentences that the model was trained to write. */
export interface SentenceStyle {
  readonly style: "sentence";
  readonly yes: string;
  readonly no: string;
  /** Words for 0, 1, 2 …; absent: it writes digits. */
  readonly numbers?: readonly string[];
}

/** Raised by whoever changes what a template looks like: answers that were read with another are other answers. */
export const TEMPLATE_VERSION = 1;

/** How a model is asked whose maker says nothing. */
export const UNTOLD_READ_STYLE: ReadStyle = { style: "lines" };

/** How a model is asked for values: as is told of it, or as is believed. */
export function readStyleOf({ read }: { readonly read?: ReadStyle }): ReadStyle {
  return read ?? UNTOLD_READ_STYLE;
}

/** What a model's maker says of reading values off pictures, and measured: it goes with the weights. */
export interface ReadCard {
  readonly style: ReadStyle;
  /** Token that stands in a hole behind what is written: what the model writes behind a short answer. */
  readonly filler: number;
  /**
   * Whether what an option scores with a grey picture is taken off what it scores with the picture that is asked about
   * (`Correction.bias`). Absent: it is not; it makes some models worse, so it is measured before it is used.
   */
  readonly neutral?: boolean;
  /** What scores are divided by before they are compared, by the type of their field, above 0: above 1 makes less sure. Absent of a type: 1. */
  readonly temperatures?: Temperatures;
  /** How it says where something is. Absent: it was not trained to. */
  readonly places?: PlacesCard;
}

/** By the type of a field. */
export type Temperatures = { readonly [Type in FieldType]?: number };

/** How a bundle's values are read: as its manifest says, or as is believed of a model whose maker says nothing. */
export function readCardOf({
  read,
  architecture,
}: {
  readonly read?: ReadCard;
  readonly architecture: { readonly special: Pick<SpecialTokens, "endOfTurn"> };
}): ReadCard {
  return read ?? { style: UNTOLD_READ_STYLE, filler: architecture.special.endOfTurn };
}
