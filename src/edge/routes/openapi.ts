import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { problemSchema } from "#wire/error.ts";
import { errorCodes } from "#wire/error-codes.ts";
import { noticeSchema, noticeTypes } from "#wire/webhooks.ts";
import type { EdgeEnv } from "../env.ts";
import { accountRoutes } from "./accounts.ts";
import { answerRoutes, createAnswerRoute } from "./answers.ts";
import { batchRoutes } from "./batches.ts";
import { createChatCompletionRoute } from "./chat-completions.ts";
import { createClientTokenRoute } from "./client-tokens.ts";
import { showHealthRoute } from "./health.ts";
import { imageRoutes } from "./images.ts";
import { keyRoutes } from "./keys.ts";
import { listEntriesRoute } from "./ledger.ts";
import { modelRoutes } from "./models.ts";
import { moondreamRoutes } from "./moondream.ts";
import { createQuoteRoute } from "./quotes.ts";
import { replayAnswerRoute } from "./replays.ts";
import { listUsageRoute } from "./usage.ts";
import { deliveryRoutes } from "./webhook-deliveries.ts";
import { endpointRoutes } from "./webhook-endpoints.ts";

/** `GET /openapi.json`: the API's description, made from the schemas that check requests. */
export function showOpenapi(c: Context<EdgeEnv>): Response {
  document ??= JSON.stringify(describe());
  return c.body(document, 200, { "content-type": "application/json" });
}

/** Made once per isolate, at the first question for it: start-up time is everyone's. */
let document: string | undefined;

function describe(): object {
  const described = new OpenAPIHono();
  described.openAPIRegistry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description:
      "An API key, umk_live_… or umk_test_…, or a client token. A revoked key is refused everywhere within 60 seconds.",
  });
  described.openAPIRegistry.registerComponent("securitySchemes", "admin", {
    type: "http",
    scheme: "bearer",
    description: "The administrator's key. Where none is configured these routes are closed.",
  });
  for (const route of describedRoutes())
    described.openAPIRegistry.registerPath(withRefusals(route));
  for (const webhook of describedWebhooks()) described.openAPIRegistry.registerWebhook(webhook);
  const { components, ...rest } = described.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Unmask",
      version: "1",
      description: "Answers questions about pictures with a masked-diffusion language model.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
  });
  return { ...rest, components: { ...components, "x-errors": errorCodes } };
}

function describedRoutes(): readonly RouteConfig[] {
  return [
    createAnswerRoute,
    ...answerRoutes,
    ...batchRoutes,
    replayAnswerRoute,
    createQuoteRoute,
    ...imageRoutes,
    ...modelRoutes,
    createChatCompletionRoute,
    ...moondreamRoutes,
    createClientTokenRoute,
    listUsageRoute,
    listEntriesRoute,
    ...accountRoutes,
    ...endpointRoutes,
    ...deliveryRoutes,
    ...keyRoutes,
    showHealthRoute,
    showOpenapiRoute,
  ];
}

/** What receivers of webhooks are sent, by its `type`. */
function describedWebhooks(): readonly RouteConfig[] {
  return noticeTypes.map((type) => ({
    method: "post",
    path: type,
    summary: `Told to webhook receivers: ${type}`,
    description:
      "Signed as Standard Webhooks 1.0 says. Anything but 2xx is tried again for four days.",
    request: {
      body: { required: true, content: { "application/json": { schema: noticeSchema(type) } } },
    },
    responses: { 204: { description: "Received." } },
  }));
}

/** Every route may refuse, and always in the same form. */
function withRefusals(route: RouteConfig): RouteConfig {
  const refusal = {
    description: "A refusal; `components/x-errors` lists the codes with their statuses.",
    content: { "application/problem+json": { schema: problemSchema } },
  };
  return { ...route, responses: { ...route.responses, default: refusal } };
}

const showOpenapiRoute: RouteConfig = {
  method: "get",
  path: "/openapi.json",
  summary: "Describe the API",
  responses: {
    200: {
      description: "This document.",
      content: { "application/json": { schema: { type: "object" } } },
    },
  },
};
