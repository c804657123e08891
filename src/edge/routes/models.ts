import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { z } from "zod";
import type { Failure } from "#domain/failure.ts";
import type { Result } from "#domain/result.ts";
import { modelBody, modelListBody, modelListSchema, modelSchema } from "#wire/responses.ts";
import type { ModelCard } from "#wire/status.ts";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { readModelCard } from "../jobs/function.ts";

/** `GET /v1/models`: what can be asked, as the function that answers tells it. */
export async function listModels(c: Context<EdgeEnv>): Promise<Response> {
  const card = await readCard(c);
  return card.ok ? c.json(modelListBody([card.value])) : refused(c, card.refusal);
}

/** `GET /v1/models/{id}`: one of them. */
export async function showModel(c: Context<EdgeEnv>): Promise<Response> {
  const card = await readCard(c);
  if (!card.ok) return refused(c, card.refusal);
  if (c.req.param("id") !== card.value.id)
    return refused(c, { kind: "not_found", path: c.req.path });
  return c.json(modelBody(card.value));
}

async function readCard(c: Context<EdgeEnv>): Promise<Result<ModelCard, Failure>> {
  return await readModelCard({
    functionUrl: settingsOf(c.env).functionUrl,
    requestId: c.get("requestId"),
    signal: c.req.raw.signal,
  });
}

/** How the models read in the API's description. */
export const modelRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/models",
    summary: "List models",
    security: [{ key: [] }],
    responses: {
      200: {
        description: "Models and their limits. OpenAI's clients can read it too.",
        content: { "application/json": { schema: modelListSchema } },
      },
    },
  },
  {
    method: "get",
    path: "/v1/models/{id}",
    summary: "Show a model",
    security: [{ key: [] }],
    request: { params: z.object({ id: z.string().meta({ example: "unmask-demo" }) }) },
    responses: {
      200: {
        description: "The model and its limits.",
        content: { "application/json": { schema: modelSchema } },
      },
    },
  },
];
