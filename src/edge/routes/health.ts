import type { Context } from "hono";
import {
  type FunctionHealth,
  type HealthBody,
  healthSchema,
  type ModelHealth,
} from "#wire/api/health.ts";
import { functionProgressSchema } from "#wire/function/status.ts";
import type { EdgeEnv } from "../env.ts";
import { functionWatch, WATCH_MS, type WatchedFunction } from "../models/function-watch.ts";
import { type ModelStanding, modelStandings } from "../models/model-standing.ts";
import { registeredFunctions } from "../models/registered-functions.ts";
import { storageWatch } from "../models/storage-watch.ts";
import { settingsOf } from "../settings.ts";
import type { RouteConfig } from "./describe/route.ts";

/**
 * `GET /health`: 200 as soon as the edge runs; how far the functions are, which models can be asked, and whether storage is reached
 * stands in the body. Told from memory for seconds, so that it costs little however many ask.
 */
export async function showHealth(c: Context<EdgeEnv>): Promise<Response> {
  const settings = settingsOf(c.env);
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
  const caller = { requestId: c.get("requestId"), waitUntil };
  const [watched, registered, storage] = await Promise.all([
    functionWatch.look(settings, caller),
    registeredFunctions(settings, { ...caller, FLEET: c.env.FLEET }, Date.now()),
    storageWatch.look(c.env, caller),
  ]);
  const functions = watched.map(functionHealth);
  const [first = { state: "unreachable" }] = functions;
  const oldest = Math.min(storage.heardAt, ...watched.map(({ heardAt }) => heardAt));
  const body: HealthBody = {
    status: "ok",
    function: first,
    functions,
    models: modelStandings([...watched, ...registered], settings.model).map(modelHealth),
    storage: { database: reached(storage.database), pictures: reached(storage.pictures) },
    as_of: new Date(oldest).toISOString(),
  };
  return c.json(body, 200, { "cache-control": `public, max-age=${WATCH_MS / 1000}` });
}

/** Without its load. */
function functionHealth({ status }: WatchedFunction): FunctionHealth {
  return status === null ? { state: "unreachable" } : functionProgressSchema.parse(status);
}

function modelHealth({ id, state, etaSeconds, ready, known }: ModelStanding): ModelHealth {
  return { id, state, eta_seconds: etaSeconds, ready, known };
}

function reached(isReached: boolean): "ok" | "unreachable" {
  return isReached ? "ok" : "unreachable";
}

/** How `GET /health` reads in the API's description. */
export const showHealthRoute: RouteConfig = {
  method: "get",
  path: "/health",
  operationId: "showHealth",
  summary: "Show how far the service is",
  description:
    "What a page about the service's state needs: every model and whether it can be asked, every function, storage, and as of when. Seconds old at the most. Nothing in it is secret.",
  responses: {
    200: {
      description: "The edge runs.",
      content: { "application/json": { schema: healthSchema } },
    },
  },
};
