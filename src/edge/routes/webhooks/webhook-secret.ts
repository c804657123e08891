import type { Context } from "hono";
import { type WebhookSecretBody, webhookSecretSchema } from "#wire/api/webhooks/endpoints.ts";
import type { EdgeEnv } from "../../env.ts";
import type { AccountSecrets } from "../../webhooks/storage/webhook-tables.ts";
import { byKey, jsonContent, type RouteConfig } from "../describe/route.ts";
import { haveSaved } from "./have-saved.ts";
import { expiryOf, tellerOf } from "./webhook-endpoints.ts";

/** `GET /v1/webhook_secret`: what signs deliveries to addresses that requests name. */
export async function showWebhookSecret(c: Context<EdgeEnv>): Promise<Response> {
  return secretReply(c, await tellerOf(c).accountSecrets());
}

/** `POST /v1/webhook_secret/rotate`: a new one; the present one signs too for a day. */
export async function rotateWebhookSecret(c: Context<EdgeEnv>): Promise<Response> {
  return secretReply(c, await tellerOf(c).rotateAccountSecrets());
}

function secretReply(c: Context<EdgeEnv>, { secret, previous }: AccountSecrets): Response {
  // The first time that it is shown it may have just been made.
  haveSaved(c);
  const body: WebhookSecretBody = {
    object: "webhook_secret",
    secret,
    previous_secret_expires_at: expiryOf(previous),
  };
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** How the routes of the account's secret read in the API's description. */
export const secretRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/webhook_secret",
    operationId: "showWebhookSecret",
    summary: "Show the account's webhook secret",
    description:
      "It signs what goes to addresses that requests name without a secret of their own.",
    security: byKey,
    responses: { 200: { description: "The secret.", content: jsonContent(webhookSecretSchema) } },
  },
  {
    method: "post",
    path: "/v1/webhook_secret/rotate",
    operationId: "rotateWebhookSecret",
    summary: "Replace the account's webhook secret",
    security: byKey,
    responses: {
      200: { description: "The new secret.", content: jsonContent(webhookSecretSchema) },
    },
  },
];
