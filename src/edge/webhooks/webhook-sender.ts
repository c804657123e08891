import { signMessage } from "#wire/codec/standard-webhooks.ts";
import {
  type Delivery,
  deliveryReplySchema,
  FETCH_PATH,
  RESPONSE_WANTED_HEADER,
} from "#wire/function/fetch.ts";
import { callFunction, readJson } from "../function/client.ts";
import { NO_MODEL, signedRequest } from "../function/signed-request.ts";
import { logFault } from "../log.ts";
import type { Settings } from "../settings.ts";
import type { WebhookRepository } from "./storage/webhook-repository.ts";
import type { DueDelivery, SendingResult } from "./storage/webhook-tables.ts";

/** How long a receiver may take to say 2xx. Source: Standard Webhooks, "Requirements for webhook consumers". */
const TIMEOUT_MS = 15_000;

/** The function's own word about a time-out is more exact than ours; it has this long to arrive. */
const GRACE_MS = 3_000;

/** Sendings at one time of one account; a Worker may have six connections open at once. */
export const MAX_SENDING = 6;

/** Sends one delivery and says what became of it. Never rejects: what the fetch hop has not said of the receiver is no attempt. */
export type SendDelivery = (delivery: DueDelivery) => Promise<SendingResult>;

/** Empties a repository of what is due. */
export interface Sender {
  /** Sends what is due until nothing is, some at a time. A second call while one runs is the same run. */
  run(): Promise<void>;
  isRunning(): boolean;
  /** Lets a run look again before one of its sendings ends: a receiver that hangs holds up its own deliveries alone. */
  wake(): void;
}

/** Makes the sender of a repository, which hands each delivery to one run and gives up on a run that dies after a lease. */
export function createSender(repository: WebhookRepository, send: SendDelivery): Sender {
  let bell = Promise.withResolvers<void>();
  let running: Promise<void> | undefined;
  const sendDue = async (): Promise<void> => {
    const sending = new Set<Promise<void>>();
    for (;;) {
      bell = Promise.withResolvers<void>();
      for (const delivery of repository.take(MAX_SENDING - sending.size)) {
        const sent = send(delivery).then((result) => {
          repository.record(delivery.id, result);
          sending.delete(sent);
        });
        sending.add(sent);
      }
      if (sending.size === 0) return;
      await Promise.race([...sending, bell.promise]);
    }
  };
  return {
    run: () => {
      running ??= sendDue().finally(() => {
        running = undefined;
      });
      return running;
    },
    isRunning: () => running !== undefined,
    wake: () => bell.resolve(),
  };
}

/** Makes a sender that goes through the fetch hop, which checks the receiver's address. */
export function functionSender(settings: Settings): SendDelivery {
  return async ({ id, accountId, noticeId, url, body, secrets }) => {
    try {
      const timestamp = Math.floor(Date.now() / 1000);
      const headers = await signMessage({ id: noticeId, timestamp, body }, secrets);
      const order: Delivery = { purpose: "webhook", url, headers, body, timeout_ms: TIMEOUT_MS };
      return await fetchThrough(order, id, accountId, settings);
    } catch (cause) {
      logFault("a webhook could not be sent; it will be tried again", id, cause);
      return { outcome: "unsent" };
    }
  };
}

async function fetchThrough(
  order: Delivery,
  deliveryId: string,
  accountId: string,
  settings: Settings,
): Promise<SendingResult> {
  const body = Uint8Array.from(new TextEncoder().encode(JSON.stringify(order)));
  const ticketOrder = { jobId: deliveryId, accountId, model: NO_MODEL };
  const signed = await signedRequest(body, ticketOrder, settings);
  const init = { ...signed, headers: { ...signed.headers, [RESPONSE_WANTED_HEADER]: "1" } };
  const signal = AbortSignal.timeout(TIMEOUT_MS + GRACE_MS);
  const call = { functionUrl: settings.fetchUrl, requestId: deliveryId, signal };
  const response = await callFunction(call, FETCH_PATH, init);
  if (!response.ok) {
    logFault("the fetch hop sent no webhook", deliveryId, response.refusal.kind);
    return { outcome: "unsent" };
  }
  const reply = deliveryReplySchema.safeParse(await readJson(response.value));
  if (reply.success) return reply.data;
  logFault("the fetch hop's reply about a webhook has another shape", deliveryId, reply.error);
  return { outcome: "unsent" };
}
