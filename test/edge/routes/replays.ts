import type { AnswerEvent } from "#domain/event.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { story } from "../../support/edge-builders.ts";
import { ask, askJson } from "../function-double.ts";

/** Asks for an answer to be replayed. */
export async function replay(id: string, headers: HeadersInit = {}): Promise<Response> {
  return await ask(`/v1/answers/${id}/replay`, { method: "POST", headers });
}

/** Asks something new and waits for the answer. */
export async function answered(fields: object = {}): Promise<AnswerBody> {
  const response = await askJson({ question: "What is this?", canvas: 4, steps: 2, ...fields });
  return answerSchema.parse(await response.json());
}

/** The story of the tests with another end. */
export function otherStory(digest: string, text: string): readonly AnswerEvent[] {
  return story.map((event) =>
    event.kind === "answer.completed"
      ? {
          ...event,
          digest,
          tokens: event.tokens.map((token) => (token.position === 2 ? { ...token, text } : token)),
        }
      : event,
  );
}
