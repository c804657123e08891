import type { FieldBody } from "../../api/answers/fields/field-body.ts";
import type { AnswerBody } from "../../api/answers/responses.ts";
import type { SseMessage } from "../../codec/sse.ts";
import { type Problem, problemOf, type RefusedRequest } from "../../error.ts";
import type { ObjectShape } from "../json-schema/shape.ts";
import { type JsonText, type ToldField, writeJson } from "../json-schema/write-json.ts";
import type { TextUpdate } from "../stable-text.ts";
import type { WantedCall } from "./wanted-json.ts";

/** How what is read is told as JSON. */
export interface ChatJson {
  readonly shape: ObjectShape;
  /** The function that is called with it. Absent: it is the message's text. */
  readonly call?: WantedCall;
}

/** Writes the value that a schema describes out of what an answer tells of its fields. */
export function jsonOfAnswer(
  shape: ObjectShape,
  { fields = {} }: Pick<AnswerBody, "fields">,
): JsonText {
  return writeJson(shape, (name): ToldField | undefined =>
    Object.hasOwn(fields, name) ? fields[name] : undefined,
  );
}

/**
 * Reads our own events of an answer, from its first, as the text of a JSON value that grows: a property is told as soon as it and all
 * before it are final. Where the answer begins anew and reads otherwise what was told, it fails with `answer_restarted`, since text
 * cannot be taken back. Throws where the events stop before the answer does.
 */
export async function* growingJson(
  messages: AsyncIterable<SseMessage>,
  request: RefusedRequest,
  shape: ObjectShape,
): AsyncGenerator<TextUpdate, void, undefined> {
  const known = new Map<string, FieldBody>();
  let told = "";
  for await (const { event, data } of messages) {
    const body: unknown = JSON.parse(data);
    if (event === "answer.failed") {
      yield { kind: "failed", problem: body as Problem };
      return;
    }
    if (event === "answer.started" || event === "answer.frame") continue;
    if (event === "answer.restarted") {
      known.clear();
      continue;
    }
    const isPart = event === "field.completed";
    if (isPart) {
      const { field, ...reading } = body as { readonly field: string } & FieldBody;
      known.set(field, reading as FieldBody);
    }
    const { text } = isPart
      ? writeJson(shape, (name) => known.get(name))
      : jsonOfAnswer(shape, body as AnswerBody);
    const [longer, shorter] = text.length < told.length ? [told, text] : [text, told];
    if (!longer.startsWith(shorter) || (!isPart && longer !== text)) {
      yield { kind: "failed", problem: problemOf({ kind: "answer_restarted" }, request) };
      return;
    }
    if (longer !== told) yield { kind: "text", text: longer.slice(told.length) };
    told = longer;
    if (isPart) continue;
    yield { kind: "end", answer: body as AnswerBody };
    return;
  }
  throw new Error("the events of an answer ended before it did");
}
