import type { Context } from "hono";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import { describedDecisionsSchema } from "#wire/compatible/decisions/decisions-body.ts";
import {
  decisionsReply,
  decisionsReplySchema,
} from "#wire/compatible/decisions/decisions-reply.ts";
import { parseDecisions } from "#wire/compatible/decisions/decisions-request.ts";
import {
  type SystemOneSent,
  systemOneForm,
  systemOneFormSchema,
} from "#wire/compatible/decisions/systemone/systemone-assets.ts";
import { systemOneSchema } from "#wire/compatible/decisions/systemone/systemone-body.ts";
import { systemOneErrorSchema } from "#wire/compatible/decisions/systemone/systemone-error.ts";
import {
  systemOneReply,
  systemOneReplySchema,
} from "#wire/compatible/decisions/systemone/systemone-reply.ts";
import {
  parseSystemOne,
  systemOneModel,
} from "#wire/compatible/decisions/systemone/systemone-request.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cardOf, namedModel, parsedOnce } from "../asked-card.ts";
import { readJson, readJsonOrForm } from "../body.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { byKey, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import { answerWhole, compatibleRefusals } from "./compatible-asking.ts";

/** `POST /v1/decisions`: asks typed questions as OpenAI's clients do. */
export async function createDecision(c: Context<EdgeEnv>): Promise<Response> {
  const sent = await readJson(c);
  if (!sent.ok) return refused(c, sent.refusal);
  const body = parsedOnce(sent.value);
  const { card, readBy } = await cardOf(c, namedModel(body));
  const decisions = parseDecisions(body, readBy);
  if (!decisions.ok) return refused(c, decisions.refusal);
  const { request, questions, placeOf } = decisions.value;
  return await answerWhole(
    c,
    { request, card },
    { placeOf, whole: (answer) => decisionsReply(answer, questions) },
  );
}

/** `POST /v1/systemone`: asks typed questions as Jev's clients do. */
export async function createSystemOne(c: Context<EdgeEnv>): Promise<Response> {
  const sent = await readSystemOne(c);
  if (!sent.ok) return refused(c, sent.refusal);
  const body = parsedOnce(sent.value.body);
  const { card, readBy } = await cardOf(c, systemOneModel(namedModel(body)));
  const asked = parseSystemOne({ ...sent.value, body }, readBy);
  if (!asked.ok) return refused(c, asked.refusal);
  const { request, questions, placeOf } = asked.value;
  return await answerWhole(
    c,
    { request, card },
    { placeOf, whole: (answer) => systemOneReply(answer, questions) },
  );
}

/** Reads JSON, or a form of it and its pictures. */
async function readSystemOne(c: Context<EdgeEnv>): Promise<Result<SystemOneSent, Failure>> {
  const sent = await readJsonOrForm(c);
  if (!sent.ok) return sent;
  return sent.value.kind === "form"
    ? systemOneForm(sent.value.parts)
    : ok({ body: sent.value.body });
}

/** How the routes of decisions read in the API's description. */
export const decisionRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/decisions",
    operationId: "createDecision",
    summary: "Decide as OpenAI's clients do",
    description:
      "Each question is read off the pictures as a field (`POST /v1/answers`), all of them in one answer: predicates as booleans, choices and scores with the probability of each option, unrounded. A question that the model abstains from is a refusal, while the others are answered; what was read is in x_unmask all the same. Errors have OpenAI's shape.",
    security: byKey,
    request: {
      headers: ["Idempotency-Key", "Cache-Control"],
      ...jsonBody(describedDecisionsSchema),
    },
    responses: {
      200: {
        description: "An answer to each question, in their order.",
        headers: askedHeaders,
        content: jsonContent(decisionsReplySchema),
      },
    },
    refusals: compatibleRefusals,
  },
  {
    method: "post",
    path: "/v1/systemone",
    operationId: "createSystemOne",
    summary: "Decide as Jev's clients do",
    description:
      "As `POST /v1/decisions`, in the words of Jev's System One. These clients know no answer that is none, so each question has its likeliest option; that the model abstained is said in x_unmask. Errors are {detail}: 422 with a list for a body of the wrong shape, 400 with a sentence for a question that cannot be asked.",
    security: byKey,
    request: {
      headers: ["Idempotency-Key", "Cache-Control"],
      body: {
        required: true,
        content: {
          ...jsonContent(systemOneSchema),
          "multipart/form-data": { schema: systemOneFormSchema(systemOneSchema) },
        },
      },
    },
    responses: {
      200: {
        description: "An answer to each question, by its name.",
        headers: [...askedHeaders, "X-TypeSafe-Request-Id"],
        content: jsonContent(systemOneReplySchema),
      },
    },
    refusals: { "application/json": { schema: systemOneErrorSchema } },
  },
];
