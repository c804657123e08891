import type { AnswerFrame } from "./event.ts";
import { tokensSoFar } from "./told-so-far.ts";

/**
 * Turns an answer's frames, given one after another, into those that callers are told. An answer in which the model wrote
 * nothing is not charged, so no token is told before it is certain that it wrote something; the frame that makes it
 * certain tells all tokens up to then, each with the step that committed it.
 */
export function createFrameTeller(): (frame: AnswerFrame) => AnswerFrame {
  let held: AnswerFrame[] | null = [];
  return (frame) => {
    if (held === null) return frame;
    held.push(frame);
    if (frame.hasText !== true) {
      const { kind, step, reason, domainScore } = frame;
      const seen = domainScore === undefined ? {} : { domainScore };
      return { kind, step, ...(reason && { reason }), revealed: [], stableUntil: 0, ...seen };
    }
    const texts = new Map(tokensSoFar(held).map(({ position, text }) => [position, text]));
    const revealed = held
      .flatMap((each) => each.revealed)
      .map((token) => ({ ...token, text: texts.get(token.position) ?? token.text }));
    held = null;
    const { revised: _, ...rest } = frame;
    return { ...rest, revealed };
  };
}
