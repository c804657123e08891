import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import type { AskedCard } from "#wire/api/answers/options.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import { finishReason } from "#wire/compatible/chat-reply.ts";
import {
  captionSchema,
  type MoondreamRequest,
  moondreamChunks,
  moondreamPlaces,
  parseMoondreamCaption,
  parseMoondreamQuery,
  querySchema,
} from "#wire/compatible/moondream.ts";
import { moondreamEvents } from "#wire/event-schemas.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cardOf } from "../asked-card.ts";
import { readAnyJson } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { eventContent } from "../describe/openapi-events.ts";
import { jsonBody, type RouteConfig } from "../describe/route.ts";
import { answerCompatibly, compatibleRefusals } from "./compatible-asking.ts";

/** `POST /v1/query`: asks about a picture as Moondream's clients do. */
export async function createQuery(c: Context<EdgeEnv>): Promise<Response> {
  return await answerAs(c, "answer", parseMoondreamQuery);
}

/** `POST /v1/caption`: asks for a caption as Moondream's clients do. */
export async function createCaption(c: Context<EdgeEnv>): Promise<Response> {
  return await answerAs(c, "caption", parseMoondreamCaption);
}

async function answerAs(
  c: Context<EdgeEnv>,
  name: "answer" | "caption",
  parse: (body: JsonBody, card: AskedCard) => Result<MoondreamRequest, Failure>,
): Promise<Response> {
  // Its clients name no content type that could be held to.
  const sent = await readAnyJson(c);
  if (!sent.ok) return refused(c, sent.refusal);
  const { card, readBy } = await cardOf(c, undefined);
  const body = parse(sent.value, readBy);
  if (!body.ok) return refused(c, body.refusal);
  const requestId = c.get("requestId");
  const { request, wantsStream } = body.value;
  return await answerCompatibly(c, { request, card }, wantsStream, {
    placeOf: moondreamPlaces,
    whole: (answer) => ({
      request_id: requestId,
      [name]: answer.answer,
      finish_reason: finishReason(answer),
    }),
    stream: (updates) => moondreamChunks(updates, requestId),
  });
}

const request_id = z.string();
const finish_reason = z.enum(["stop", "length"]);
/** The key as Moondream's clients send it. */
export const moondreamSecurity: NonNullable<RouteConfig["security"]> = [
  { key: [] },
  { moondream: [] },
];

/** How Moondream's routes read in the API's description. */
export const moondreamRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/query",
    operationId: "createQuery",
    summary: "Ask as Moondream's clients do",
    description:
      "Answered in the model's own mode (GET /v1/models). Members that are not described are passed over. The key may stand in X-Moondream-Auth. Errors are {error: {message, …}}.",
    security: moondreamSecurity,
    request: {
      headers: ["Idempotency-Key", "Cache-Control"],
      ...jsonBody(querySchema),
    },
    responses: {
      200: {
        description: "The answer, or chunks of it when `stream` is true.",
        headers: askedHeaders,
        content: {
          "application/json": {
            schema: z.strictObject({ request_id, answer: z.string(), finish_reason }),
          },
          ...eventContent(moondreamEvents),
        },
      },
    },
    refusals: compatibleRefusals,
  },
  {
    method: "post",
    path: "/v1/caption",
    operationId: "createCaption",
    summary: "Caption as Moondream's clients do",
    description:
      "short, normal and long are canvases of 16, 32 and 64 positions, but no longer than the model was trained for. Members that are not described are passed over.",
    security: moondreamSecurity,
    request: {
      headers: ["Idempotency-Key", "Cache-Control"],
      ...jsonBody(captionSchema),
    },
    responses: {
      200: {
        description: "The caption, or chunks of it when `stream` is true.",
        headers: askedHeaders,
        content: {
          "application/json": {
            schema: z.strictObject({ request_id, caption: z.string(), finish_reason }),
          },
          ...eventContent(moondreamEvents),
        },
      },
    },
    refusals: compatibleRefusals,
  },
];
