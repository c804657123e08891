import type { NamedField } from "./fields.ts";
import type { ModeTerms } from "./modes.ts";

/** How an answer is to be made. All counts are positive integers; `canvas % blockLength` and `steps % blocks` are 0. */
export interface AnswerOptions extends ModeTerms {
  /** `low`: the base view alone. `auto`: the checkpoint's own image policy. */
  readonly detail: "low" | "auto";
  /** Positions to fill, the most tokens an answer can have (L). */
  readonly canvas: number;
  /** Forward passes over the whole answer: a hard ceiling, and what is paid for. */
  readonly steps: number;
  /** Positions per block; blocks are finished left to right. Equal to `canvas` is one block, which is what LLaDA-V is best at. */
  readonly blockLength: number;
  /** 0 chooses the likeliest token; above 0 adds Gumbel noise drawn from `seed`. */
  readonly temperature: number;
  readonly seed: number;
  /** Texts that end an answer before them, besides the end of the turn. */
  readonly stop: readonly string[];
  /** Text fixed behind the canvas, seen from the first step on. */
  readonly suffix?: string;
}

/**
 * Positions per block where the request names none: the model's own `block` (null is the whole canvas), or the longest of more
 * than half of it, where it fits canvas and steps. Else the canvas is one block: what nobody asked for is no reason to refuse.
 */
export function usualBlock(canvas: number, steps: number, block: number | null): number {
  if (block === null) return canvas;
  for (let length = block; length > block / 2; length--) {
    const blocks = canvas / length;
    if (Number.isInteger(blocks) && steps % blocks === 0) return length;
  }
  return canvas;
}

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly text: string;
  /** How many of the question's pictures it brings, the next ones in their order. Only a user's message brings any; absent is none. */
  readonly pictures?: number;
}

/** What is asked. The last message is the user's. Where no message names pictures, the user's first brings all of them. */
export interface Question {
  readonly messages: readonly Message[];
  /** Files as they were sent: JPEG, PNG, WebP, GIF or AVIF bytes, in the order of the messages that bring them. */
  readonly images: readonly Uint8Array[];
  readonly options: AnswerOptions;
  /** What is read off the pictures in place of an answer in words. Absent: words are wanted. */
  readonly read?: ReadOrder;
}

/**
 * Values that are read off pictures. The last message is what the caller says about them then, "" for nothing; of the options `canvas`
 * and `steps` are the ceilings that were planned and priced (`read-work.ts`).
 */
export interface ReadOrder {
  /** At least 1, in the order of the request. */
  readonly fields: readonly NamedField[];
  /** A guess that is less likely is no value, 0 … 1; 0 takes every guess. */
  readonly abstainBelow: number;
  /** Passes that write the open fields of one canvas, at least 1. Absent: as many as its longest has tokens. */
  readonly openPasses?: number;
  readonly onTruncate: TruncateRule;
}

/** What becomes of a text that its room cuts off: it stays; it is written once more with twice the room; it is no value. */
export const truncateRules = ["keep", "widen", "null"] as const;

export type TruncateRule = (typeof truncateRules)[number];

/** Says whether messages bring exactly so many pictures, the user's messages alone. */
export function canBring(messages: readonly Message[], pictures: number): boolean {
  const bringing = messages.filter((message) => (message.pictures ?? 0) > 0);
  if (bringing.length === 0) return pictures === 0 || firstOfUser(messages) !== -1;
  const sum = bringing.reduce((total, message) => total + (message.pictures ?? 0), 0);
  return sum === pictures && bringing.every(({ role }) => role === "user");
}

/** Counts the pictures that each message brings. Throws RangeError where `canBring` says that they cannot. */
export function picturesByMessage(messages: readonly Message[], pictures: number): number[] {
  if (!canBring(messages, pictures))
    throw new RangeError(`the messages do not bring the ${pictures} pictures that are there`);
  const named = messages.map((message) => message.pictures ?? 0);
  if (pictures > 0 && !named.some((count) => count > 0)) named[firstOfUser(messages)] = pictures;
  return named;
}

function firstOfUser(messages: readonly Message[]): number {
  return messages.findIndex(({ role }) => role === "user");
}

/** What an answer took. */
export interface Usage {
  /** Vectors that the pictures became. */
  readonly imageVectors: number;
  /** How many of them were kept from an earlier question about the same picture. Absent: none. They cost the same. */
  readonly cachedImageVectors?: number;
  /** Positions before the canvas, image vectors included. */
  readonly promptLength: number;
  readonly canvas: number;
  /** Steps that ran. */
  readonly steps: number;
  /** Passes through the network: guidance doubles them, a full canvas ends them early. */
  readonly forwardPasses: number;
  /** Passes that computed the prompt too; the others computed what is behind it. */
  readonly refreshes: number;
  /** Positions that all passes computed. */
  readonly rows: number;
}
