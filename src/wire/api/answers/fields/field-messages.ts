import type { AnswerFrame } from "#domain/event.ts";
import type { SseMessage } from "../../../codec/sse.ts";
import { fieldBody, type NamedFieldBody } from "./field-body.ts";

/** Body of `field.completed`: what a field was read as. */
export type FieldCompletedBody = NamedFieldBody;

/**
 * Writes the fields that are known with a frame, as callers are told them: before the frame, and without ids, so that who breaks off
 * between them comes back for all of them and misses none.
 */
export function fieldMessages({ fields = [] }: Pick<AnswerFrame, "fields">): SseMessage[] {
  return fields.map(({ name, reading }) => {
    const body: FieldCompletedBody = { field: name, ...fieldBody(reading) };
    return { event: "field.completed", data: JSON.stringify(body) };
  });
}
