import type { Failure } from "#domain/failure.ts";
import type { Question } from "#domain/question.ts";
import { ok, type Result } from "#domain/result.ts";
import type {
  AskedQuestion,
  KeptPicture,
  KeptQuestion,
  QuestionPicture,
} from "#edge/questions/question-picture.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import {
  decodeOrderHead,
  encodeOrderHead,
  HEAD_LENGTH_BYTES,
  orderPrefix,
} from "#wire/function/order.ts";

/** A question as the edge has it, its pictures small. */
export function asked({ images, ...question }: Question): AskedQuestion {
  return { ...question, images: images.map(inline) };
}

/** A question as the edge keeps it, its pictures small. */
export async function kept({ images, ...question }: Question): Promise<KeptQuestion> {
  return { ...question, images: images.map(inline), head: await headOf({ images, ...question }) };
}

/** The file of a picture that is at hand. */
export function fileOf(picture: QuestionPicture): Uint8Array {
  if (picture.kind === "arrived") return picture.file.toBytes();
  if (picture.kind === "inline") return picture.bytes;
  throw new Error("the picture lies in the bucket");
}

function inline(bytes: Uint8Array): KeptPicture {
  return { kind: "inline", bytes: Uint8Array.from(bytes) };
}

async function headOf({ images, ...question }: Question): Promise<Uint8Array<ArrayBuffer>> {
  const pictures = await Promise.all(
    images.map(async (bytes) => ({
      bytes: bytes.length,
      sha256: await sha256Hex(Uint8Array.from(bytes)),
    })),
  );
  return encodeOrderHead({ ...question, pictures });
}

/** A work order as an edge of today sends it: the whole body, and what its ticket is signed for. */
export async function orderOf(
  question: Question,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly head: Uint8Array<ArrayBuffer> }> {
  const head = await headOf(question);
  return { body: joined([orderPrefix(head), ...question.images]), head };
}

/** The head of a work order's body. */
export function headIn(body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const length = new DataView(body.buffer, body.byteOffset).getUint32(0);
  return body.slice(HEAD_LENGTH_BYTES, HEAD_LENGTH_BYTES + length);
}

/** Reads a work order's body back. */
export function readOrderBody(body: Uint8Array<ArrayBuffer>): Result<Question, Failure> {
  const bytes = headIn(body);
  const head = decodeOrderHead(bytes);
  if (!head.ok) return head;
  const { pictures, ...question } = head.value;
  let from = HEAD_LENGTH_BYTES + bytes.length;
  const images = pictures.map(({ bytes }) => {
    from += bytes;
    return body.slice(from - bytes, from);
  });
  return ok({ ...question, images });
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let from = 0;
  for (const part of parts) {
    bytes.set(part, from);
    from += part.length;
  }
  return bytes;
}
