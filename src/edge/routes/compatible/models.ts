import type { Context } from "hono";
import { z } from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import {
  type ModelBody,
  modelBody,
  modelListBody,
  modelListSchema,
  modelSchema,
} from "#wire/api/models.ts";
import { problemSchema } from "#wire/error.ts";
import type { EdgeEnv } from "../../env.ts";
import { readModelCard } from "../../function/client.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { settingsOf } from "../../settings.ts";
import { byKey, type Content, jsonContent, type RouteConfig } from "../describe/route.ts";
import { compatibleRefusals } from "./compatible-asking.ts";

/** `GET /v1/models`: what can be asked, as the function that answers tells it, and on which terms. */
export async function listModels(c: Context<EdgeEnv>): Promise<Response> {
  const model = await readModel(c);
  return model.ok ? c.json(modelListBody([model.value])) : refused(c, model.refusal);
}

/** `GET /v1/models/{id}`: one of them. */
export async function showModel(c: Context<EdgeEnv>): Promise<Response> {
  const model = await readModel(c);
  if (!model.ok) return refused(c, model.refusal);
  if (c.req.param("id") !== model.value.id) return refusedMissing(c, "model", [model.value.id]);
  return c.json(model.value);
}

async function readModel(c: Context<EdgeEnv>): Promise<Result<ModelBody, Failure>> {
  const { functionUrl, card: own } = settingsOf(c.env);
  const call = { functionUrl, requestId: c.get("requestId"), signal: c.req.raw.signal };
  const told = await readModelCard(call, own);
  return told.ok ? ok(modelBody(told.value, own)) : told;
}

/** OpenAI's clients, known by their headers, are told as they know it. */
const refusals: Content = {
  "application/problem+json": { schema: problemSchema },
  ...compatibleRefusals,
};

/** How the models read in the API's description. */
export const modelRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/models",
    operationId: "listModels",
    summary: "List models",
    security: byKey,
    refusals,
    responses: {
      200: {
        description: "Models and their limits. OpenAI's clients can read it too.",
        content: jsonContent(modelListSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/models/{id}",
    operationId: "showModel",
    summary: "Show a model",
    security: byKey,
    refusals,
    request: { params: z.object({ id: z.string().meta({ example: "unmask-demo" }) }) },
    responses: {
      200: {
        description: "The model and its limits.",
        content: jsonContent(modelSchema),
      },
    },
  },
];
