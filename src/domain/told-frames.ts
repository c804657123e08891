import type { CanvasToken } from "./answer-text.ts";
import type { AnswerBeginning, AnswerFrame } from "./event.ts";
import { tokensSoFar } from "./told-so-far.ts";

/** A frame as callers are told it. */
export interface ToldFrame extends AnswerFrame {
  /** Where this step committed tokens that are told later, and how sure it was of them. Absent: there are none. */
  readonly sealed?: readonly Pick<CanvasToken, "position" | "confidence">[];
}

/** An event as its caller asked to be told it: work that another began may tell of more other tokens, and of others than asked for none. */
export function withAlternatives<Event extends AnswerBeginning | AnswerFrame>(
  event: Event,
  most = 0,
): Event {
  if (event.kind !== "answer.frame") return event;
  const revealed = event.revealed.map(({ alternatives = [], ...token }) => {
    const told = alternatives.slice(0, most);
    return told.length === 0 ? token : { ...token, alternatives: told };
  });
  return { ...event, revealed };
}

/**
 * Turns an answer's frames, given one after another, into those that callers are told. An answer in which the model wrote
 * nothing is not charged, so no token is told before it is certain that it wrote something: until then a frame tells where
 * its step committed tokens and how sure it was of them, sealed. The frame that makes it certain tells all tokens up to then, each with the
 * step that committed it. Certain it is with the first position's token: before that the answer may still end before its first word.
 * Fields are told at once: an answer that has any is never empty.
 */
export function createFrameTeller(): (frame: AnswerFrame) => ToldFrame {
  let held: AnswerFrame[] | null = [];
  return (frame) => {
    if (held === null) return frame;
    held.push(frame);
    if (frame.hasText !== true) {
      const { kind, step, reason, domainScore, turnEnd, fields } = frame;
      const sealed = frame.revealed.map(({ position, confidence }) => ({ position, confidence }));
      return {
        ...{ kind, step, revealed: [], stableUntil: 0 },
        ...(reason === undefined ? {} : { reason }),
        ...(sealed.length === 0 ? {} : { sealed }),
        ...(turnEnd === undefined ? {} : { turnEnd }),
        ...(domainScore === undefined ? {} : { domainScore }),
        ...(fields === undefined ? {} : { fields }),
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
