import type { Context } from "hono";
import * as z from "zod";
import {
  type ModelBody,
  modelBody,
  modelListBody,
  modelListSchema,
  modelSchema,
} from "#wire/api/models.ts";
import { problemSchema } from "#wire/error.ts";
import type { EdgeEnv } from "../../env.ts";
import { readStatus } from "../../function/client.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import type { ServedModel } from "../../models/models.ts";
import { modelsOf } from "../asked-card.ts";
import { byKey, type Content, jsonContent, type RouteConfig } from "../describe/route.ts";
import { compatibleRefusals } from "./compatible-asking.ts";

/** `GET /v1/models`: what can be asked, as the functions that answer tell it now, and on which terms. */
export async function listModels(c: Context<EdgeEnv>): Promise<Response> {
  const models = await modelsOf(c, true);
  const heard = models.served.filter(({ isHeard }) => isHeard);
  if (heard.length === 0 && models.silence !== undefined) return refused(c, models.silence);
  return c.json(modelListBody(await Promise.all(heard.map((model) => shown(c, model)))));
}

/** `GET /v1/models/{id}`: one of them. */
export async function showModel(c: Context<EdgeEnv>): Promise<Response> {
  const models = await modelsOf(c, true);
  const heard = models.served.filter(({ isHeard }) => isHeard);
  const one = heard.find(({ card }) => card.id === c.req.param("id"));
  if (one !== undefined) return c.json(await shown(c, one));
  // One that is away may be the one.
  if (models.silence !== undefined) return refused(c, models.silence);
  const known = heard.map(({ card }) => card.id);
  return refusedMissing(c, "model", known);
}

/** A model with the class of arithmetic that its function has; null before the function knows it. */
async function shown(c: Context<EdgeEnv>, model: ServedModel): Promise<ModelBody> {
  const { told, card, functionUrl, isDownloadable } = model;
  const { signal } = c.req.raw;
  const status = await readStatus({ functionUrl, requestId: c.get("requestId"), signal });
  const numerics = (status.ok ? status.value.numerics : undefined) ?? null;
  return modelBody(told, card, { numerics, isDownloadable });
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
