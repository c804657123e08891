import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { canBring, type Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { parseJson } from "../body/parse-json.ts";
import { canonicalJson } from "../codec/canonical-json.ts";
import { problemsOf } from "../field-problems.ts";
import { MAX_IMAGE_BYTES, MAX_IMAGES } from "../limits.ts";
import { messagesSchema, type OptionsBody, optionsBody, optionsSchema } from "./generate.ts";
import { checkReadOrder, readOrderSchema } from "./reading/read-order.ts";

/**
 * The work order, as edge and function have it from version 3 of the hop on: four bytes that say how long the head is
 * (big-endian), the head, then the files of its pictures one after another, as they are. The ticket is signed for the head,
 * which names each file by its length and digest, so that no file is hashed again for it, and none is made text of.
 */
export interface OrderHead extends Omit<Question, "images"> {
  /** In the order of the messages that bring them. */
  readonly pictures: readonly OrderedPicture[];
}

/** A picture that comes behind the head. */
export interface OrderedPicture {
  /** Of its file. */
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export const ORDER_CONTENT_TYPE = "application/vnd.unmask.order";

/** Bytes before the head: its length. */
export const HEAD_LENGTH_BYTES = 4;

/** Threat: a length that has the reader wait for gigabytes. The text of a question, each character escaped, is a fifth of it. */
export const MAX_HEAD_BYTES: number = 1024 * 1024;

/** Writes a head as canonical JSON: members in one order, no spaces, absent stays absent. Equal questions are equal bytes. */
export function encodeOrderHead({
  messages,
  options,
  pictures,
  read,
}: OrderHead): Uint8Array<ArrayBuffer> {
  const body: HeadBody = {
    messages: messages.map(({ role, text, pictures: brought = 0 }) => ({
      role,
      text,
      ...(brought === 0 ? {} : { pictures: brought }),
    })),
    pictures: pictures.map(({ bytes, sha256 }) => ({ bytes, sha256 })),
    options: optionsBody(options),
  };
  const words = JSON.stringify(body);
  // A question in words is written as it was before there were fields.
  const text = read === undefined ? words : `${words.slice(0, -1)},"read":${canonicalJson(read)}}`;
  return new TextEncoder().encode(text);
}

/** Reads what `encodeOrderHead` wrote. A refusal means that the two sides are of different versions. */
export function decodeOrderHead(bytes: Uint8Array): Result<OrderHead, Failure> {
  if (bytes.length > MAX_HEAD_BYTES)
    return refuse({ kind: "body_too_large", limitBytes: MAX_HEAD_BYTES });
  const body = parseJson(bytes);
  if (!body.ok) return body;
  const parsed = headSchema.safeParse(body.value);
  if (!parsed.success)
    return refuse({ kind: "invalid_request", problems: problemsOf(parsed.error) });
  const { messages, pictures, options, read } = parsed.data;
  if (!canBring(messages, pictures.length)) {
    const message = `the messages do not bring the ${pictures.length} pictures that are there`;
    return refuse({ kind: "invalid_request", problems: [{ pointer: "/messages", message }] });
  }
  if (read === undefined) return ok({ messages, pictures, options });
  const checked = checkReadOrder(read);
  return checked.ok ? ok({ messages, pictures, options, read }) : checked;
}

/** What stands before the pictures. */
export function orderPrefix(head: Uint8Array): Uint8Array<ArrayBuffer> {
  const prefix = new Uint8Array(HEAD_LENGTH_BYTES + head.length);
  new DataView(prefix.buffer).setUint32(0, head.length);
  prefix.set(head, HEAD_LENGTH_BYTES);
  return prefix;
}

const headSchema = z.strictObject({
  messages: messagesSchema,
  pictures: z
    .array(
      z.strictObject({
        bytes: z.int().min(0).max(MAX_IMAGE_BYTES),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(MAX_IMAGES),
  options: optionsSchema,
  read: readOrderSchema.exactOptional(),
});

interface HeadBody extends Omit<z.input<typeof headSchema>, "options" | "read"> {
  readonly options: OptionsBody;
}
