import type { Context } from "hono";
import { type FunctionHealth, type HealthBody, healthSchema } from "#wire/api/health.ts";
import type { EdgeEnv } from "../env.ts";
import { readProgress } from "../function/client.ts";
import { settingsOf } from "../settings.ts";
import type { RouteConfig } from "./describe/route.ts";

/** `GET /health`: 200 as soon as the edge runs; how far the functions are stands in the body. */
export async function showHealth(c: Context<EdgeEnv>): Promise<Response> {
  const requestId = c.get("requestId");
  const { signal } = c.req.raw;
  const functions = await Promise.all(
    settingsOf(c.env).functionUrls.map(async (functionUrl): Promise<FunctionHealth> => {
      const status = await readProgress({ functionUrl, requestId, signal });
      return status.ok ? status.value : { state: "unreachable" };
    }),
  );
  const [first = { state: "unreachable" }] = functions;
  const body: HealthBody = { status: "ok", function: first, functions };
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** How `GET /health` reads in the API's description. */
export const showHealthRoute: RouteConfig = {
  method: "get",
  path: "/health",
  operationId: "showHealth",
  summary: "Show how far the service is",
  responses: {
    200: {
      description: "The edge runs.",
      content: { "application/json": { schema: healthSchema } },
    },
  },
};
