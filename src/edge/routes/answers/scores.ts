import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import { scoresBody, scoresSchema } from "#wire/api/answers/scores/score-reply.ts";
import { parseScoreJson, scoreRequestSchema } from "#wire/api/answers/scores/score-request.ts";
import type { JsonBody } from "#wire/body/json-body.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cacheDirectives } from "../../headers/cache-control.ts";
import { idempotencyOf } from "../../headers/idempotency.ts";
import { askedCard, cardOf, namedModel, parsedOnce } from "../asked-card.ts";
import { readJson } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { byKey, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import type { ReadRequest } from "./answer-body.ts";
import { askAndReply } from "./ask-and-reply.ts";

/** `POST /v1/scores`: says how likely the model is to give each of some answers. Asked, priced, cached and kept as an answer is. */
export async function createScores(c: Context<EdgeEnv>): Promise<Response> {
  const sent = await readJson(c);
  if (!sent.ok) return refused(c, sent.refusal);
  const read = await readScoreJson(c, sent.value);
  if (!read.ok) return refused(c, read.refusal);
  const { request, card } = read.value;
  const idempotency = await idempotencyOf(c, request, askedCard(card).readBy);
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const asking = {
    ...{ request, card, idempotency: idempotency.value },
    directives: cacheDirectives(c.req.header("cache-control")),
    delivery: { kind: "body", waitMs: null } as const,
  };
  return await askAndReply(c, asking, {
    body: (answer) => c.json(scoresBody(answer), 200, { "cache-control": "private" }),
    events: () => {
      throw new Error("scores are not told as events");
    },
  });
}

/** Reads the JSON body of a request for scores. */
export async function readScoreJson(
  c: Context<EdgeEnv>,
  sent: JsonBody,
): Promise<Result<ReadRequest, Failure>> {
  const body = parsedOnce(sent);
  const { card, readBy } = await cardOf(c, namedModel(body));
  const request = parseScoreJson(body, readBy);
  return request.ok ? ok({ request: request.value, card }) : request;
}

/** How it reads in the API's description. */
export const createScoresRoute: RouteConfig = {
  method: "post",
  path: "/v1/scores",
  operationId: "createScores",
  summary: "Say how likely answers are",
  description:
    "How likely the model is to give each of some answers to a question about pictures, on the canvas on which it would write them. Price and keeping are an answer's: POST /v1/quotes takes the same body, and GET /v1/answers/{id} and its replay take the id.",
  security: byKey,
  request: { headers: ["Idempotency-Key", "Cache-Control"], ...jsonBody(scoreRequestSchema) },
  responses: {
    200: {
      description: "The scores, in the order of the answers.",
      headers: askedHeaders,
      content: jsonContent(scoresSchema),
    },
  },
};
