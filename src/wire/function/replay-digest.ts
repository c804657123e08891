import type { CanvasToken } from "#domain/answer-text.ts";
import { jsonValueOf, type ReadField } from "#domain/field-reading.ts";
import type { Question, ReadOrder } from "#domain/question.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import type { Picture } from "#domain/tensor.ts";
import { sha256Hex } from "../codec/digest.ts";
import { frame, messageParts, optionParts, readParts } from "../codec/framing.ts";

/** Rises with every change that may change an answer: then no digest and no cached answer of before counts any more. */
export const DECODER_VERSION = "3";

/** The version of the answers that were kept before their version was. */
export const FIRST_DECODER_VERSION = "1";

/** Everything that determines an answer, and the answer. */
export interface ReplayTerms {
  /** Hex SHA-256 of the bundle's manifest, which also fixes weights, tokenizer, chat template and image policy. */
  readonly modelDigest: string;
  /** `pixelDigest` of each picture. */
  readonly pictureDigests: readonly string[];
  readonly messages: Question["messages"];
  readonly options: Question["options"];
  readonly tokens: readonly Pick<CanvasToken, "position" | "token" | "step">[];
  /** What was read, and how the model was asked for it; absent of an answer in words. */
  readonly reading?: {
    readonly order: ReadOrder;
    readonly style: ReadStyle;
    readonly fields: readonly ReadField[];
  };
}

/** Returns the replay digest, 64 lower-case hex digits: equal digests are equal answers to equal questions by equal weights. */
export async function replayDigest(terms: ReplayTerms): Promise<string> {
  const { modelDigest, pictureDigests, messages, options, tokens, reading } = terms;
  return await sha256Hex(
    frame([
      "unmask replay 3",
      DECODER_VERSION,
      modelDigest,
      frame(pictureDigests),
      frame(messageParts(messages).map(frame)),
      frame(optionParts(options).map(frame)),
      frame(tokens.map(({ position, token, step }) => frame([position, token, step].map(String)))),
      // An answer in words has the digest that it had before fields were read.
      ...(reading === undefined
        ? []
        : [frame(readParts(reading.order, reading.style)), frame(reading.fields.map(valueParts))]),
    ]),
  );
}

/** What a field was read as, without how sure that was: as of the tokens of an answer in words. */
function valueParts({ name, reading }: ReadField): Uint8Array {
  const guess = reading.kind === "closed" ? reading.guess : null;
  return frame([
    name,
    reading.kind,
    ...[jsonValueOf(reading), guess].map((value) => JSON.stringify(value)),
  ]);
}

/** Returns the digest of a picture as it was decoded. Without the size, 30 × 150 and 150 × 30 pixels of one colour would be one picture. */
export async function pixelDigest({ width, height, pixelsHWC }: Picture): Promise<string> {
  return await sha256Hex(frame(["pixels", String(width), String(height), pixelsHWC]));
}
