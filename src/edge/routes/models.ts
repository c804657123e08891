import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { modelListBody, modelListSchema } from "#wire/responses.ts";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { readModelCard } from "../jobs/function.ts";

/** `GET /v1/models`: what can be asked, as the function that answers tells it. */
export async function listModels(c: Context<EdgeEnv>): Promise<Response> {
  const card = await readModelCard({
    functionUrl: settingsOf(c.env).functionUrl,
    requestId: c.get("requestId"),
    signal: c.req.raw.signal,
  });
  return card.ok ? c.json(modelListBody([card.value])) : refused(c, card.refusal);
}

/** How `GET /v1/models` reads in the API's description. */
export const listModelsRoute: RouteConfig = {
  method: "get",
  path: "/v1/models",
  summary: "List models",
  security: [{ key: [] }],
  responses: {
    200: {
      description: "Models and their limits.",
      content: { "application/json": { schema: modelListSchema } },
    },
  },
};
