/** Where decoding can follow the reference to the letter or mend it. Each field names one habit of the reference. */
export interface DecodePolicy {
  /**
   * A position is masked if its vector equals the mask's within 1e-5, anywhere: masks written in a prompt and tokens
   * chosen to be the mask compete for the step's reveals. Otherwise only unwritten canvas positions are masked.
   */
  readonly masksByValue: boolean;
  /** The mask may be chosen as a token, which spends a reveal and leaves a hole. Otherwise it is suppressed. */
  readonly maskCanBeChosen: boolean;
  /** Random numbers are spent on every position of the sequence. Otherwise on the asked ones. */
  readonly drawsForEveryPosition: boolean;
  /**
   * A finished block becomes a part of the prefix that is kept, and each block begins with a refresh, from which on the steps to
   * the next are counted anew. Otherwise the prefix is what stands before the canvas, and no answer's keys are ever kept:
   * that is where repetitions come from. Source: arXiv 2601.20520.
   */
  readonly keepsFinishedBlocks: boolean;
}

/** Token for token what `generate_with_embeds` of the reference gives. */
export const referencePolicy: DecodePolicy = {
  masksByValue: true,
  maskCanBeChosen: true,
  drawsForEveryPosition: true,
  keepsFinishedBlocks: true,
};

/** What is served: the same rule without its traps, so that every step fills exactly its share and no position twice. */
export const servicePolicy: DecodePolicy = {
  masksByValue: false,
  maskCanBeChosen: false,
  drawsForEveryPosition: false,
  keepsFinishedBlocks: false,
};
