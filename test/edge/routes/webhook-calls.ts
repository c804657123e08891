import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { Notice } from "#domain/notice.ts";
import { noticesOf } from "#edge/webhooks/notice-client.ts";
import {
  type DeliveryBody,
  deliveryListSchema,
  deliverySchema,
} from "#wire/api/webhooks/deliveries.ts";
import { type NewEndpointBody, newEndpointSchema } from "#wire/api/webhooks/endpoints.ts";
import { type Delivery, type DeliveryReply, RESPONSE_WANTED_HEADER } from "#wire/function/fetch.ts";
import { isTicketFor, openTicket } from "#wire/function/ticket.ts";
import { verificationKeysText } from "#wire/function/ticket-keys.ts";
import { ask, functionReplies, type SentRequest } from "../function-double.ts";
import { openAccount } from "./administration.ts";

/** An account of its own, with a key that may look after webhooks. */
export interface WebhookOwner {
  readonly account: string;
  readonly key: string;
  call(method: string, path: string, body?: unknown): Promise<Response>;
}

export async function webhookOwner(): Promise<WebhookOwner> {
  const { id: account, key } = await openAccount({ scopes: ["webhooks"] }, 0);
  opened.push(account);
  const call: WebhookOwner["call"] = async (method, path, body) =>
    await ask(`/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return { account, key, call };
}

const opened: string[] = [];

/** Ends what a test left on its way: all tests share one runtime, and a retry would come in the middle of another's. */
export async function silenceWebhooks(): Promise<void> {
  for (const account of opened.splice(0))
    await runInDurableObject(env.WEBHOOKS.getByName(account), async (_, { storage }) => {
      storage.sql.exec("DELETE FROM deliveries; DELETE FROM receivers");
      await storage.deleteAlarm();
    });
}

/** Adds an endpoint. */
export async function endpointOf(
  owner: WebhookOwner,
  fields: object = {},
): Promise<NewEndpointBody> {
  const url = "https://shop.example/hooks";
  const response = await owner.call("POST", "webhook_endpoints", { url, ...fields });
  return newEndpointSchema.parse(await response.json());
}

/** Tells an account of an answer. */
export async function tell(account: string, fields: Partial<Notice> = {}): Promise<string> {
  const id = `evt_${crypto.randomUUID()}`;
  const notice: Notice = {
    ...{ id, type: "answer.completed", accountId: account, at: Date.now() },
    data: { object: "answer", answer: "A dog." },
    ...fields,
  };
  await noticesOf(env).accept(notice, null);
  return notice.id;
}

/** A delivery as the function was asked to send it. */
export interface SentDelivery extends Delivery {
  readonly wantsResponse: boolean;
  readonly path: string;
}

/**
 * Stands in for the function's fetch hop: every delivery of this account ends as `outcome` says. All tests share one
 * runtime, so what another test's receiver refused may come again in the middle of this one: it is taken and not shown.
 */
export function receiverReplies(
  { account }: Pick<WebhookOwner, "account">,
  outcome: (delivery: Delivery) => DeliveryReply | Promise<DeliveryReply>,
): { readonly sent: SentDelivery[] } {
  const sent: SentDelivery[] = [];
  functionReplies(async ({ url, headers, body }: SentRequest) => {
    const jwt = headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const ticket = await openTicket(
      jwt,
      verificationKeysText.parse(env.TEST_TICKET_KEYS),
      Date.now(),
    );
    if (!ticket.ok || !(await isTicketFor(ticket.value, body))) throw new Error("no ticket");
    if (ticket.value.accountId !== account) return Response.json(replied(204));
    const delivery: Delivery = JSON.parse(new TextDecoder().decode(body));
    const wantsResponse = headers.get(RESPONSE_WANTED_HEADER) === "1";
    sent.push({ ...delivery, path: new URL(url).pathname, wantsResponse });
    return Response.json(await outcome(delivery));
  });
  return { sent };
}

type ReceiverReply = Extract<DeliveryReply, { outcome: "response" }>;

/** A receiver's reply. */
export function replied(
  status: number,
  fields: Partial<Pick<ReceiverReply, "location" | "retry_after" | "response">> = {},
): DeliveryReply {
  const none = { location: null, retry_after: null };
  return { outcome: "response", status, ...none, ...fields, duration_ms: 12 };
}

/** Lists an account's deliveries, newest first. */
export async function deliveriesOf(owner: WebhookOwner, query = ""): Promise<DeliveryBody[]> {
  const response = await owner.call("GET", `webhook_deliveries${query}`);
  return [...deliveryListSchema.parse(await response.json()).data];
}

/** Waits until the only delivery of an account has been tried so often, and shows it. */
export async function tried(owner: WebhookOwner, attempts = 1): Promise<DeliveryBody> {
  const [listed] = await vi.waitFor(
    async () => {
      const found = await deliveriesOf(owner);
      expect(found[0]?.attempt_count).toBe(attempts);
      return found;
    },
    { timeout: 5_000, interval: 20 },
  );
  const response = await owner.call("GET", `webhook_deliveries/${listed?.id}`);
  return deliverySchema.parse(await response.json());
}
