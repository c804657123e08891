import type { Context } from "hono";
import * as z from "zod";
import type { NoticeType } from "#domain/notice.ts";
import type { Page } from "#wire/api/page.ts";
import {
  changeEndpointSchema,
  createEndpointSchema,
  type EndpointBody,
  endpointListSchema,
  endpointSchema,
  MAX_ENDPOINTS,
  newEndpointSchema,
  type WebhookTestBody,
  webhookTestSchema,
} from "#wire/api/webhooks/endpoints.ts";
import { generateKeyPair, generateSecret } from "#wire/codec/standard-webhooks.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { newId } from "../../id.ts";
import { settingsOf } from "../../settings.ts";
import type { Endpoint } from "../../webhooks/storage/webhook-tables.ts";
import { mayTell } from "../../webhooks/webhook-address.ts";
import type { WebhookObject } from "../../webhooks/webhook-object.ts";
import { readBody } from "../body.ts";
import { byKey, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import { pageReply } from "../list.ts";
import { haveSaved } from "./have-saved.ts";

/** `POST /v1/webhook_endpoints`: adds an endpoint and shows its secret, the only time. */
export async function createEndpoint(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, createEndpointSchema);
  if (!body.ok) return refused(c, body.refusal);
  const tellable = mayTell(body.value.url, settingsOf(c.env), "/url");
  if (!tellable.ok) return refused(c, tellable.refusal);
  const signing = body.value.signing ?? "hmac";
  const endpoint: Endpoint = {
    id: newId("whe"),
    url: body.value.url,
    events: body.value.events ?? null,
    signing,
    ...(await freshKey(signing)),
    previous: null,
    isEnabled: true,
    disabledReason: null,
    failingSince: null,
    createdAt: Date.now(),
  };
  if (!(await tellerOf(c).addEndpoint(endpoint, MAX_ENDPOINTS)))
    return refused(c, { kind: "too_many_of", what: "webhook endpoints", limit: MAX_ENDPOINTS });
  haveSaved(c);
  return shownOnce(c, endpoint, 201);
}

/** `GET /v1/webhook_endpoints`: all of them, oldest first; they fit a page. */
export async function listEndpoints(c: Context<EdgeEnv>): Promise<Response> {
  const endpoints = await tellerOf(c).endpoints();
  const page: Page<EndpointBody> = {
    object: "list",
    data: endpoints.map(endpointBody),
    has_more: false,
    next_cursor: null,
  };
  return pageReply(c, page);
}

/** `GET /v1/webhook_endpoints/{id}` */
export async function showEndpoint(c: Context<EdgeEnv>): Promise<Response> {
  return shown(c, await tellerOf(c).endpoint(idOf(c)));
}

/** `PATCH /v1/webhook_endpoints/{id}`: changes what is named; enabling forgives earlier failures. */
export async function changeEndpoint(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, changeEndpointSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { url, events, enabled } = body.value;
  const tellable = mayTell(url, settingsOf(c.env), "/url");
  if (!tellable.ok) return refused(c, tellable.refusal);
  const change = {
    ...(url === undefined ? {} : { url }),
    ...(events === undefined ? {} : { events }),
    ...(enabled === undefined ? {} : { isEnabled: enabled }),
  };
  const changed = await tellerOf(c).changeEndpoint(idOf(c), change);
  if (changed !== null) haveSaved(c);
  return shown(c, changed);
}

/** `DELETE /v1/webhook_endpoints/{id}`: what was on its way there is given up. */
export async function deleteEndpoint(c: Context<EdgeEnv>): Promise<Response> {
  const isDeleted = await tellerOf(c).deleteEndpoint(idOf(c));
  if (isDeleted) haveSaved(c);
  return isDeleted ? c.body(null, 204) : refusedMissing(c, "webhook endpoint");
}

/** `POST /v1/webhook_endpoints/{id}/rotate_secret`: a new secret, shown once; the present one signs too for a day. */
export async function rotateEndpointSecret(c: Context<EdgeEnv>): Promise<Response> {
  const teller = tellerOf(c);
  const known = await teller.endpoint(idOf(c));
  const fresh = known === null ? null : await freshKey(known.signing);
  const rotated = fresh === null ? null : await teller.rotateEndpoint(idOf(c), fresh);
  if (rotated === null) return refusedMissing(c, "webhook endpoint");
  haveSaved(c);
  return shownOnce(c, rotated, 200);
}

/** `POST /v1/webhook_endpoints/{id}/test`: sends it a sample of an answer. */
export async function testEndpoint(c: Context<EdgeEnv>): Promise<Response> {
  const { accountId } = c.get("key");
  const type: NoticeType = "answer.completed";
  const data = { object: "answer", status: "completed", answer: "This is a test.", test: true };
  const notice = { id: newId("evt"), type, accountId, at: Date.now(), data };
  if (!(await tellerOf(c).acceptFor(notice, idOf(c)))) return refusedMissing(c, "webhook endpoint");
  const body: WebhookTestBody = { object: "webhook_test", notice: notice.id };
  return c.json(body, 202, { "cache-control": "no-store" });
}

/** The account's own object. */
export function tellerOf(c: Context<EdgeEnv>): DurableObjectStub<WebhookObject> {
  return c.env.WEBHOOKS.getByName(c.get("key").accountId);
}

function idOf(c: Context<EdgeEnv>): string {
  return c.req.param("id") ?? "";
}

async function freshKey(
  signing: Endpoint["signing"],
): Promise<Pick<Endpoint, "secret" | "publicKey">> {
  if (signing === "hmac") {
    const random = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));
    return { secret: generateSecret(random), publicKey: null };
  }
  const { signing: secret, verifying: publicKey } = await generateKeyPair();
  return { secret, publicKey };
}

function shown(c: Context<EdgeEnv>, endpoint: Endpoint | null): Response {
  if (endpoint === null) return refusedMissing(c, "webhook endpoint");
  return c.json(endpointBody(endpoint), 200, { "cache-control": "no-store" });
}

function shownOnce(c: Context<EdgeEnv>, endpoint: Endpoint, status: 200 | 201): Response {
  const secret = endpoint.signing === "hmac" ? endpoint.secret : null;
  return c.json({ ...endpointBody(endpoint), secret }, status, { "cache-control": "no-store" });
}

function endpointBody(endpoint: Endpoint): EndpointBody {
  return {
    id: endpoint.id,
    object: "webhook_endpoint",
    url: endpoint.url,
    events: endpoint.events,
    signing: endpoint.signing,
    public_key: endpoint.publicKey,
    enabled: endpoint.isEnabled,
    disabled_reason: endpoint.disabledReason,
    created_at: new Date(endpoint.createdAt).toISOString(),
    previous_secret_expires_at: expiryOf(endpoint.previous),
  };
}

/** Until when the secret before the last rotation signs too, as bodies tell it; null once it does not. */
export function expiryOf(previous: Endpoint["previous"]): string | null {
  if (previous === null || previous.expiresAt <= Date.now()) return null;
  return new Date(previous.expiresAt).toISOString();
}

const params = z.object({ id: z.string().meta({ example: "whe_0Kb3nV7cQ2xY9mTgA4hZw" }) });
/** How the routes of endpoints read in the API's description. */
export const endpointRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/webhook_endpoints",
    operationId: "createEndpoint",
    summary: "Add a webhook endpoint",
    description: "What is sent there is signed as Standard Webhooks 1.0 says.",
    security: byKey,
    request: jsonBody(createEndpointSchema),
    responses: {
      201: { description: "With its secret, shown once.", content: jsonContent(newEndpointSchema) },
    },
  },
  {
    method: "get",
    path: "/v1/webhook_endpoints",
    operationId: "listEndpoints",
    summary: "List webhook endpoints",
    security: byKey,
    responses: { 200: { description: "All of them.", content: jsonContent(endpointListSchema) } },
  },
  {
    method: "get",
    path: "/v1/webhook_endpoints/{id}",
    operationId: "showEndpoint",
    summary: "Show a webhook endpoint",
    security: byKey,
    request: { params },
    responses: { 200: { description: "The endpoint.", content: jsonContent(endpointSchema) } },
  },
  {
    method: "patch",
    path: "/v1/webhook_endpoints/{id}",
    operationId: "changeEndpoint",
    summary: "Change a webhook endpoint",
    security: byKey,
    request: { params, ...jsonBody(changeEndpointSchema) },
    responses: { 200: { description: "As it is now.", content: jsonContent(endpointSchema) } },
  },
  {
    method: "delete",
    path: "/v1/webhook_endpoints/{id}",
    operationId: "deleteEndpoint",
    summary: "Delete a webhook endpoint",
    security: byKey,
    request: { params },
    responses: { 204: { description: "Gone, and what was on its way there with it." } },
  },
  {
    method: "post",
    path: "/v1/webhook_endpoints/{id}/rotate_secret",
    operationId: "rotateEndpointSecret",
    summary: "Replace an endpoint's secret",
    description: "For a day everything is signed with both.",
    security: byKey,
    request: { params },
    responses: {
      200: { description: "With its secret, shown once.", content: jsonContent(newEndpointSchema) },
    },
  },
  {
    method: "post",
    path: "/v1/webhook_endpoints/{id}/test",
    operationId: "testEndpoint",
    summary: "Send an endpoint a sample",
    security: byKey,
    request: { params },
    responses: {
      202: {
        description: "On its way; the delivery log tells what becomes of it.",
        content: jsonContent(webhookTestSchema),
      },
    },
  },
];
