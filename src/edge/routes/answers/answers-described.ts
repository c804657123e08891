import * as z from "zod";
import { answerListQuerySchema, answerListSchema } from "#wire/api/answers/answer-list.ts";
import { answerFormSchema, answerRequestSchema } from "#wire/api/answers/answer-request.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { answerEvents } from "#wire/event-schemas.ts";
import { describedQuery } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { eventContent } from "../describe/openapi-events.ts";
import { byKey, type Content, jsonContent, type RouteConfig } from "../describe/route.ts";
import { deletionReplies } from "./deletion-reply.ts";

/** How the body of an answer request may be written. */
export const answerContent: Content = {
  "application/json": { schema: answerRequestSchema },
  "multipart/form-data": { schema: answerFormSchema },
};

/** How `POST /v1/answers` reads in the API's description. */
export const createAnswerRoute: RouteConfig = {
  method: "post",
  path: "/v1/answers",
  operationId: "createAnswer",
  summary: "Ask about pictures",
  security: byKey,
  request: {
    headers: ["Idempotency-Key", "Prefer", "Cancel-After", "Cache-Control"],
    body: { required: true, content: answerContent },
  },
  responses: {
    202: {
      description:
        "Not ended within `Prefer: wait=N` seconds (or with `respond-async`): come back to `Location`.",
      headers: [...askedHeaders, "Location", "Preference-Applied", "Retry-After"],
      content: jsonContent(answerSchema),
    },
    200: {
      description:
        "The answer, or its making as events when `stream` is true. With `Idempotency-Key` a repeated request gets the first reply, `Idempotency-Replayed: true`, and is charged once. A stream that is cut goes on at `GET /v1/answers/{id}/events`; a plain request whose caller leaves is cancelled, unless it has an Idempotency-Key.",
      headers: [...askedHeaders, "ETag", "Location", "Preference-Applied"],
      content: {
        "application/json": { schema: answerSchema },
        ...eventContent(answerEvents),
      },
    },
  },
};

const answerReply = {
  content: jsonContent(answerSchema),
} as const;
const idParameter = z.object({ id: z.string().meta({ example: "ans_0Kb3nV7cQ2xY9mTgA4hZw" }) });

/** How the other routes of answers read in the API's description. */
export const answerRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/answers",
    operationId: "listAnswers",
    summary: "List answers",
    description:
      "Newest first; the Link header leads to the next page. Seconds behind the answers themselves.",
    security: byKey,
    request: { query: describedQuery(answerListQuerySchema) },
    responses: {
      200: {
        description: "A page of answers, without their texts.",
        headers: ["Link"],
        content: jsonContent(answerListSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/answers/{id}",
    operationId: "showAnswer",
    summary: "Show an answer",
    description:
      "As far as it is made. Kept after its end for as long as its account or its request has it, 7 days unless they say otherwise. The replay digest is its ETag.",
    security: byKey,
    request: { params: idParameter, headers: ["If-None-Match"] },
    responses: {
      200: { description: "The answer.", headers: ["ETag"], ...answerReply },
      304: { description: "It is as If-None-Match says.", headers: ["ETag"] },
    },
  },
  {
    method: "get",
    path: "/v1/answers/{id}/events",
    operationId: "showAnswerEvents",
    summary: "Follow an answer",
    description:
      "The events behind `Last-Event-ID` (or `?after=<step>`), then those to come. Who has heard the end gets 204, at which an EventSource stops; whose `Accept` leaves text/event-stream out gets 406. Frames are kept for 24 hours after the end unless account or request say otherwise.",
    security: byKey,
    request: {
      params: idParameter,
      query: z.object({ after: z.string().max(128).optional() }),
      headers: ["Last-Event-ID"],
    },
    responses: {
      200: {
        description: "Server-sent events.",
        content: eventContent(answerEvents),
      },
      204: { description: "The end has been heard: there is nothing more." },
    },
  },
  {
    method: "post",
    path: "/v1/answers/{id}/cancel",
    operationId: "cancelAnswer",
    summary: "Cancel an answer",
    description:
      "Charges the steps that ran and says how much that was; an ended answer stays as it is.",
    security: byKey,
    request: { params: idParameter },
    responses: { 200: { description: "The answer as it stands.", ...answerReply } },
  },
  {
    method: "delete",
    path: "/v1/answers/{id}",
    operationId: "deleteAnswer",
    summary: "Delete an answer",
    description:
      "One that has ended; cancel one that is being made first. A webhook's delivery that is on its way is given up. An answer of a batch is deleted from its results too. Cached copies in the memory of the edge go within a minute.",
    security: byKey,
    request: { params: idParameter },
    responses: deletionReplies,
  },
];
