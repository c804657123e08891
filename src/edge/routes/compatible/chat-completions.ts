import type { Context } from "hono";
import { describedChatSchema } from "#wire/compatible/chat-body.ts";
import { chatCompletion, chatCompletionSchema } from "#wire/compatible/chat-reply.ts";
import { parseChat } from "#wire/compatible/chat-request.ts";
import { chatChunks } from "#wire/compatible/chat-stream.ts";
import { growingJson } from "#wire/compatible/structured/growing-json.ts";
import { chatEvents } from "#wire/event-schemas.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cardOf, namedModel, parsedOnce } from "../asked-card.ts";
import { readJson } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { eventContent } from "../describe/openapi-events.ts";
import { byKey, jsonBody, type RouteConfig } from "../describe/route.ts";
import { answerCompatibly, compatibleRefusals } from "./compatible-asking.ts";

/** `POST /v1/chat/completions`: asks as OpenAI's clients do. */
export async function createChatCompletion(c: Context<EdgeEnv>): Promise<Response> {
  const sent = await readJson(c);
  if (!sent.ok) return refused(c, sent.refusal);
  const body = parsedOnce(sent.value);
  const { card, readBy } = await cardOf(c, namedModel(body));
  const chat = parseChat(body, readBy);
  if (!chat.ok) return refused(c, chat.refusal);
  const { request, wantsStream, wantsUsage, json, placeOf } = chat.value;
  // Of a model that cannot be asked nothing is streamed but what was told before.
  const model = card.ok ? card.value.id : (request.model ?? "");
  return await answerCompatibly(c, { request, card }, wantsStream, {
    placeOf,
    whole: (answer) => chatCompletion(answer, json),
    ...(json === undefined
      ? {}
      : { grow: (messages, refusal) => growingJson(messages, refusal, json.shape) }),
    stream: (updates, id) => {
      const head = { id, model, created: Math.floor(Date.now() / 1000) };
      const wanted = json === undefined ? {} : { json };
      return chatChunks(updates, { ...head, ...wanted }, wantsUsage);
    },
  });
}

/** How `POST /v1/chat/completions` reads in the API's description. */
export const createChatCompletionRoute: RouteConfig = {
  method: "post",
  path: "/v1/chat/completions",
  operationId: "createChatCompletion",
  summary: "Ask as OpenAI's clients do",
  description:
    "max_completion_tokens is a ceiling of the canvas, which is never longer for it than the model was trained for. A stream tells only text that is final, so it often comes late and at once. A JSON Schema, as response_format or as the parameters of the one function that tool_choice forces, is read off the picture: the message, or the call, is the value that it describes, with each value's probabilities in x_unmask.fields; max_completion_tokens says nothing then. What a masked-diffusion model cannot do (other tools, logprobs, n above 1, penalties …) is refused with a sentence; errors have OpenAI's shape.",
  security: byKey,
  request: {
    headers: ["Idempotency-Key", "Cache-Control"],
    ...jsonBody(describedChatSchema),
  },
  responses: {
    200: {
      description: "The completion, or chunks of it when `stream` is true.",
      headers: askedHeaders,
      content: {
        "application/json": { schema: chatCompletionSchema },
        ...eventContent(chatEvents),
      },
    },
  },
  refusals: compatibleRefusals,
};
