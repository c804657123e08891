import type { CanvasToken } from "./answer-text.ts";
import type { AnswerFrame } from "./event.ts";
import { tokensSoFar } from "./told-so-far.ts";

/** A frame as callers are told it. */
export interface ToldFrame extends AnswerFrame {
  /** Where this step committed tokens that are told later, and how sure it was of them. Absent: there are none. */
  readonly sealed?: readonly Pick<CanvasToken, "position" | "confidence">[];
}

/**
 * Turns an answer's frames, given one after another, into those that callers are told. An answer in which the model wrote
 * nothing is not charged, so no token is told before it is certain that it wrote something: until then a frame tells where
 * its step committed tokens and how sure it was of them, sealed. The frame that makes it certain tells all tokens up to then, each with the
 * step that committed it. Certain it is with the first position's token: before that the answer may still end before its first word.
 */
export function createFrameTeller(): (frame: AnswerFrame) => ToldFrame {
  let held: AnswerFrame[] | null = [];
  return (frame) => {
    if (held === null) return frame;
    held.push(frame);
    if (frame.hasText !== true) {
      const { kind, step, reason, domainScore, turnEnd } = frame;
      const sealed = frame.revealed.map(({ position, confidence }) => ({ position, confidence }));
      return {
        ...{ kind, step, revealed: [], stableUntil: 0 },
        ...(reason === undefined ? {} : { reason }),
        ...(sealed.length === 0 ? {} : { sealed }),
        ...(turnEnd === undefined ? {} : { turnEnd }),
        ...(domainScore === undefined ? {} : { domainScore }),
      };
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
