import type { Context } from "hono";
import * as z from "zod";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import {
  type AttemptBody,
  type DeliveryBody,
  deliveryListQuerySchema,
  deliveryListSchema,
  deliverySchema,
  type RedeliveredBody,
  redeliveredSchema,
  redeliverSchema,
} from "#wire/api/webhooks/deliveries.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { retryAfterMs } from "../../webhooks/storage/webhook-schedule.ts";
import type { DeliveryAttempt, WebhookDelivery } from "../../webhooks/storage/webhook-tables.ts";
import { describedQuery, readBody, readQuery } from "../body.ts";
import { byKey, jsonBody, jsonContent, type RouteConfig } from "../describe/route.ts";
import { pageReply } from "../list.ts";
import { viewerIn } from "../reply-headers.ts";
import { tellerOf } from "./webhook-endpoints.ts";

/** `GET /v1/webhook_deliveries`: the delivery log, newest first. */
export async function listDeliveries(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, deliveryListQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after, endpoint, status, event } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, placeSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const { owner } = viewerIn(c);
  const asked = { owner, endpointId: endpoint, state: status, type: event, after: place?.value };
  const rows = await tellerOf(c).deliveries(asked, limit + 1);
  return pageReply(
    c,
    pageOf(rows, limit, deliveryBody, ({ createdAt, id }) => [createdAt, id]),
  );
}

/** `GET /v1/webhook_deliveries/{id}`: with what is sent and all its attempts. */
export async function showDelivery(c: Context<EdgeEnv>): Promise<Response> {
  const { owner } = viewerIn(c);
  const found = await tellerOf(c).delivery(c.req.param("id") ?? "", owner);
  if (found === null) return refusedMissing(c, "webhook delivery");
  // A client token names the address itself: what it could have read back of it would make us its proxy.
  const showsResponse = owner === null;
  const attempts = found.attempts.map((attempt) => attemptBody(attempt, showsResponse));
  const body: DeliveryBody = { ...deliveryBody(found.delivery), body: found.body, attempts };
  return c.json(body, 200, { "cache-control": "no-store" });
}

/** `POST /v1/webhook_deliveries/{id}/redeliver`: from the beginning of the schedule, under the same `webhook-id`. */
export async function redeliverOne(c: Context<EdgeEnv>): Promise<Response> {
  const id = c.req.param("id") ?? "";
  if (!(await tellerOf(c).redeliver(id, viewerIn(c).owner)))
    return refusedMissing(c, "webhook delivery");
  return c.json({ object: "redelivery", count: 1 } satisfies RedeliveredBody, 202);
}

/** `POST /v1/webhook_deliveries/redeliver`: everything of a time. */
export async function redeliverMany(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, redeliverSchema);
  if (!body.ok) return refused(c, body.refusal);
  const { endpoint, status, since, until } = body.value;
  const count = await tellerOf(c).redeliverRange({
    owner: viewerIn(c).owner,
    endpointId: endpoint,
    state: status,
    since: Date.parse(since),
    until: until === undefined ? Date.now() + 1 : Date.parse(until),
  });
  return c.json({ object: "redelivery", count } satisfies RedeliveredBody, 202);
}

function deliveryBody(delivery: WebhookDelivery): DeliveryBody {
  return {
    id: delivery.id,
    object: "webhook_delivery",
    notice: delivery.noticeId,
    event: delivery.type,
    endpoint: delivery.endpointId,
    url: delivery.url,
    status: delivery.state,
    attempt_count: delivery.attempts,
    created_at: new Date(delivery.createdAt).toISOString(),
    next_attempt_at: delivery.dueAt === null ? null : new Date(delivery.dueAt).toISOString(),
  };
}

function attemptBody(
  { number, at, reply, response }: DeliveryAttempt,
  showsResponse: boolean,
): AttemptBody {
  const isReply = reply.outcome === "response";
  const putOffMs = isReply ? retryAfterMs(reply.retry_after, at) : null;
  return {
    number,
    at: new Date(at).toISOString(),
    duration_ms: reply.duration_ms,
    status: isReply ? reply.status : null,
    location: isReply ? reply.location : null,
    failure: isReply ? null : `${reply.reason}: ${reply.detail}`,
    retry_after: putOffMs === null ? null : Math.ceil(putOffMs / 1000),
    response: showsResponse ? response : null,
  };
}

const placeSchema: z.ZodType<readonly [number, string]> = z.tuple([
  z.int().nonnegative(),
  z.string(),
]);

const params = z.object({ id: z.string().meta({ example: "whd_0Kb3nV7cQ2xY9mTgA4hZw" }) });
const again = {
  202: {
    description: "How many are on their way again.",
    content: jsonContent(redeliveredSchema),
  },
};

/** How the routes of deliveries read in the API's description. */
export const deliveryRoutes: readonly RouteConfig[] = [
  {
    method: "get",
    path: "/v1/webhook_deliveries",
    operationId: "listDeliveries",
    summary: "List webhook deliveries",
    description:
      "Newest first, for 30 days, of an account with more than 5 GB of them the newest; the Link header leads to the next page.",
    security: byKey,
    request: { query: describedQuery(deliveryListQuerySchema) },
    responses: {
      200: {
        description: "A page of deliveries.",
        headers: ["Link"],
        content: jsonContent(deliveryListSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/webhook_deliveries/{id}",
    operationId: "showDelivery",
    summary: "Show a webhook delivery",
    description:
      "What is sent, and how each attempt went. A receiver's response is its own words: show it as text, never as HTML. Client tokens are not told it.",
    security: byKey,
    request: { params },
    responses: {
      200: {
        description: "With its body and all its attempts.",
        content: jsonContent(deliverySchema),
      },
    },
  },
  {
    method: "post",
    path: "/v1/webhook_deliveries/{id}/redeliver",
    operationId: "redeliverOne",
    summary: "Deliver again",
    description: "From the beginning of the schedule, under the same webhook-id.",
    security: byKey,
    request: { params },
    responses: again,
  },
  {
    method: "post",
    path: "/v1/webhook_deliveries/redeliver",
    operationId: "redeliverMany",
    summary: "Deliver a range again",
    security: byKey,
    request: jsonBody(redeliverSchema),
    responses: again,
  },
];
