import { FIELD_LIMITS } from "#domain/fields.ts";
import type { TestMessage } from "../files/test-question.ts";

/** What the only field of a question is called whose answer is read among its choices. */
export const CHOICE_FIELD = "answer";

/** A question as it is asked for a field. */
export interface AskedForField {
  /** Empty where the field says all that is asked. */
  readonly messages: readonly TestMessage[];
  /** Absent: the messages ask. */
  readonly instructions?: string;
}

/** Has the field ask the question; the messages do where they are a conversation, or longer than a field may ask. */
export function askedForField(messages: readonly TestMessage[]): AskedForField {
  const [only, ...others] = messages;
  const isLong = (only?.content.length ?? 0) > FIELD_LIMITS.instructionsLength;
  return only === undefined || others.length > 0 || isLong
    ? { messages }
    : { messages: [], instructions: only.content };
}
