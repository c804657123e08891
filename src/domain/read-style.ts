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
  /** What it says where it has no answer. */
  readonly unsure?: string;
  /** Words for 0, 1, 2 …; absent: it writes digits. */
  readonly numbers?: readonly string[];
}

/** How a model is asked whose maker says nothing. */
export const UNTOLD_READ_STYLE: ReadStyle = { style: "lines" };
