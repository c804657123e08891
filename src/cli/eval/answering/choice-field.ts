import { FIELD_LIMITS } from "#domain/fields.ts";
import type { TestMessage } from "../files/test-question.ts";

/** What the only field of a question is called whose answer is read among its choices. */
export const CHOICE_FIELD = "answer";

/** A question as it is asked for a field. */
export interface AskedForField {
  /** Ends with the user's; of that the field asks what it can, and it is empty then. */
  readonly messages: readonly TestMessage[];
  readonly instructions: string;
}

/** Beside a question that is longer than a field may ask. */
const WHICH = "Which of these is the answer?";

/** Has the field ask what the last message does: a field without a question of its own cannot be asked of a model that reads sentences. */
export function askedForField(messages: readonly TestMessage[]): AskedForField {
  const last = messages.at(-1);
  if (last === undefined || last.content.length > FIELD_LIMITS.instructionsLength)
    return { messages, instructions: WHICH };
  return {
    messages: [...messages.slice(0, -1), { ...last, content: "" }],
    instructions: last.content,
  };
}
