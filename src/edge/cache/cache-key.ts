import type { AnswerOptions, Message, ReadOrder } from "#domain/question.ts";
import type { ReadStyle } from "#domain/read-style.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { frame, messageParts, optionParts, readParts } from "#wire/codec/framing.ts";

/** Everything that determines an answer, and whose questions may share it. */
export interface CacheTerms {
  readonly pool: /** `owner`: the client token or subject whose questions alone share it; null for the account's. */
    | { readonly kind: "private"; readonly accountId: string; readonly owner: string | null }
    | { readonly kind: "shared" };
  readonly model: string;
  /** Hex SHA-256 of the weights' manifest, which also fixes template, tokenizer and image policy. */
  readonly modelDigest: string;
  /** Version of the decoding loop. */
  readonly decoder: string;
  /** Hex SHA-256 of each picture's file: the edge decodes nothing, and equal files are equal pictures. */
  readonly pictures: readonly string[];
  readonly messages: readonly Message[];
  readonly options: AnswerOptions;
  /** What is read off the pictures, in its order, and how the model is asked for it. Absent: an answer in words is wanted. */
  readonly reading?: { readonly order: ReadOrder; readonly style: ReadStyle };
}

/** Returns the key under which an answer is cached: 64 lower-case hex digits. Different terms never meet, short of a collision of SHA-256. */
export async function cacheKeyOf(terms: CacheTerms): Promise<string> {
  return await sha256Hex(frameCacheTerms(terms));
}

/** Keeps these bytes apart from everything else that is ever hashed; the number rises when the fields change. */
const DOMAIN = "unmask answer cache 3";

/**
 * Writes the terms as bytes, injectively: every part with its length before it, every list with the lengths of its
 * items, so that no byte can move from one field to the next and leave the key as it was.
 */
export function frameCacheTerms(terms: CacheTerms): Uint8Array<ArrayBuffer> {
  const { pool, model, modelDigest, decoder, pictures, messages, reading } = terms;
  return frame([
    DOMAIN,
    frame(poolParts(pool)),
    model,
    modelDigest,
    decoder,
    frame(pictures),
    frame(messageParts(messages).map(frame)),
    frame(optionParts(terms.options).map(frame)),
    // Without fields it is what it was before there were any. In another order they are another question: the text of the answer has it.
    ...(reading === undefined ? [] : [frame(readParts(reading.order, reading.style))]),
  ]);
}

function poolParts(pool: CacheTerms["pool"]): readonly string[] {
  if (pool.kind === "shared") return ["shared"];
  const { accountId, owner } = pool;
  return owner === null ? ["private", accountId] : ["private", accountId, owner];
}
