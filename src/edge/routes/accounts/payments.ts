import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { toNumber } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import {
  assignPaymentSchema,
  type PaymentEventBody,
  type PaymentReceivedBody,
  paymentEventListSchema,
  paymentEventQuerySchema,
  paymentEventSchema,
  paymentReceivedSchema,
  providerEventSchema,
} from "#wire/api/accounts/payments.ts";
import { decodeCursor, pageOf } from "#wire/api/page.ts";
import { parseJson } from "#wire/body/parse-json.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedMissing } from "../../guard/errors.ts";
import { assignEvent, bookEvent } from "../../payments/book.ts";
import { type PaymentEvent, PaymentTable } from "../../payments/payment-store.ts";
import type { PaymentProvider } from "../../payments/provider.ts";
import { stripeProvider } from "../../payments/stripe.ts";
import { settingsOf } from "../../settings.ts";
import { describedQuery, readBody, readChunks, readQuery } from "../body.ts";
import {
  byAdministrator,
  bySession,
  jsonBody,
  jsonContent,
  type RouteConfig,
} from "../describe/route.ts";
import { pageReply } from "../list.ts";
import { placeSchema } from "./accounts.ts";

/** Threat: whoever is no provider may send something here. An event of Stripe has some ten KB. */
const MAX_EVENT_BYTES = 256 * 1024;

/** The provider of this installation, if it has one. */
export function providerOf(c: Context<EdgeEnv>): PaymentProvider | undefined {
  const { topUp } = settingsOf(c.env);
  return topUp === undefined ? undefined : stripeProvider(topUp);
}

/** `POST /v1/payments/{provider}`: hears what a payment provider says, which its signature proves. */
export async function receivePayment(c: Context<EdgeEnv>): Promise<Response> {
  const provider = providerOf(c);
  if (provider === undefined || c.req.param("provider") !== provider.name)
    return refused(c, { kind: "not_found", path: c.req.path });
  const body = await readText(c);
  if (!body.ok) return refused(c, body.refusal);
  const now = Date.now();
  const verified = await provider.verify(c.req.raw.headers, body.value, now);
  if (!verified.ok) return refused(c, verified.refusal);
  const json = parseJson(new TextEncoder().encode(body.value));
  const event = json.ok ? provider.read(json.value) : undefined;
  if (event === undefined) {
    const problem = { pointer: "", message: "is no event with an id, a type and data" };
    return refused(c, { kind: "invalid_request", problems: [problem] });
  }
  const { state, isRepeat } = await bookEvent(c.env, provider.name, event, now);
  const reply: PaymentReceivedBody = {
    object: "payment_received",
    status: state,
    repeated: isRepeat,
  };
  return c.json(reply);
}

/** `GET /v1/payment_events`: what providers said, newest first; parked ones wait for the administrator. */
export async function listPaymentEvents(c: Context<EdgeEnv>): Promise<Response> {
  const query = readQuery(c, paymentEventQuerySchema);
  if (!query.ok) return refused(c, query.refusal);
  const { limit, after, state } = query.value;
  const place = after === undefined ? undefined : decodeCursor(after, placeSchema);
  if (place?.ok === false) return refused(c, place.refusal);
  const events = await new PaymentTable(c.env.DB).list(state, place?.value, limit + 1);
  return pageReply(
    c,
    pageOf(events, limit, eventBody, ({ receivedAt, id }) => [receivedAt, id]),
  );
}

/** `POST /v1/payment_events/{id}/assign`: says whose a parked payment is. */
export async function assignPaymentEvent(c: Context<EdgeEnv>): Promise<Response> {
  const body = await readBody(c, assignPaymentSchema);
  if (!body.ok) return refused(c, body.refusal);
  const payments = new PaymentTable(c.env.DB);
  const event = await payments.find(c.req.param("id") ?? "");
  if (event === undefined) return refusedMissing(c, "payment event");
  const assigned = await assignEvent(c.env, event, body.value.account);
  if (!assigned.ok) return refused(c, assigned.refusal);
  return c.json(eventBody((await payments.find(event.id)) ?? event));
}

/** The bytes that were signed, as text. */
async function readText(c: Context<EdgeEnv>): Promise<Result<string, Failure>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const read = await readChunks(c, (chunk) => {
    size += chunk.length;
    // What is beyond the limit is refused below, and kept for nobody.
    if (size <= MAX_EVENT_BYTES) chunks.push(chunk.slice());
    return undefined;
  });
  if (!read.ok) return read;
  return size > MAX_EVENT_BYTES
    ? refuse({ kind: "body_too_large", limitBytes: MAX_EVENT_BYTES })
    : ok(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text());
}

function eventBody(event: PaymentEvent): PaymentEventBody {
  const { word } = event;
  return {
    id: event.id,
    object: "payment_event",
    provider: event.provider,
    type: event.type,
    payment: event.paymentId,
    account: event.accountId,
    state: event.state,
    reason: event.reason,
    amount_micros:
      word === null ? null : toNumber(word.kind === "refunded" ? word.total : word.amount),
    received_at: new Date(event.receivedAt).toISOString(),
  };
}

/** How these routes read in the API's description. */
export const paymentRoutes: readonly RouteConfig[] = [
  {
    method: "post",
    path: "/v1/payments/{provider}",
    operationId: "receivePayment",
    summary: "Hear of a payment",
    description:
      "For the payment provider's webhook: its signature says who asks. A payment becomes credit of the account that its client_reference_id names, once; what is refunded or disputed is taken back. What is about no credit is ignored.",
    request: {
      params: z.object({ provider: z.string().meta({ example: "stripe" }) }),
      ...jsonBody(providerEventSchema),
    },
    responses: {
      200: {
        description: "It is booked, or kept: it need not be sent again.",
        content: jsonContent(paymentReceivedSchema),
      },
    },
  },
  {
    method: "get",
    path: "/v1/payment_events",
    operationId: "listPaymentEvents",
    summary: "List what payment providers said",
    description: "Newest first. Parked ones are of nobody whom we know.",
    security: [...byAdministrator, ...bySession],
    request: { query: describedQuery(paymentEventQuerySchema) },
    responses: {
      200: {
        description: "Events.",
        headers: ["Link"],
        content: jsonContent(paymentEventListSchema),
      },
    },
  },
  {
    method: "post",
    path: "/v1/payment_events/{id}/assign",
    operationId: "assignPaymentEvent",
    summary: "Say whose a payment is",
    description: "Books the event, and all that waited with it.",
    security: [...byAdministrator, ...bySession],
    request: { params: z.object({ id: z.string() }), ...jsonBody(assignPaymentSchema) },
    responses: {
      200: { description: "The event, applied.", content: jsonContent(paymentEventSchema) },
    },
  },
];
