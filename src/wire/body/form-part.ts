import { MAX_TEXT_BYTES } from "../limits.ts";
import { type JsonBody, JsonBodyReader } from "./json-body.ts";
import type { FormPart } from "./multipart.ts";

/** Threat: text of the body's whole length, which a schema then refuses. It is a little more than any field takes. */
const MAX_FIELD_BYTES: number = MAX_TEXT_BYTES + 1024;

/**
 * The text of a part, or as much of it as no field takes. Its lines end as the caller wrote them: FormData sends every line break as CRLF,
 * and the same question in JSON would be another one. Source: WHATWG HTML, "multipart/form-data encoding algorithm".
 */
export function textOf({ content }: FormPart): string {
  const decoder = new TextDecoder();
  let [text, left] = ["", MAX_FIELD_BYTES];
  for (const piece of content.pieces()) {
    text += decoder.decode(piece.subarray(0, left), { stream: true });
    left -= Math.min(left, piece.length);
    if (left === 0) break;
  }
  return (text + decoder.decode()).replaceAll("\r\n", "\n");
}

/** Reads a part as JSON whose pictures are as large as a body's may be, once. */
export function readJsonPart({ content }: FormPart): JsonBody {
  const reader = new JsonBodyReader();
  for (const piece of content.pieces()) reader.write(piece);
  return reader.end();
}
