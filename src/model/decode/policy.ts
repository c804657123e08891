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
}

/** Token for token what `generate_with_embeds` of the reference gives. */
export const referencePolicy: DecodePolicy = {
  masksByValue: true,
  maskCanBeChosen: true,
  drawsForEveryPosition: true,
};

/** What is served: the same rule without its traps, so that every step fills exactly its share and no position twice. */
export const servicePolicy: DecodePolicy = {
  masksByValue: false,
  maskCanBeChosen: false,
  drawsForEveryPosition: false,
};
