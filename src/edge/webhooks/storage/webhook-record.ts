import type { Notice } from "#domain/notice.ts";
import type { DeliveryReply } from "#wire/function/fetch.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { forgetArrived } from "./delivery-log.ts";
import { markAttempt, putEndpoint, readEndpoint } from "./endpoints.ts";
import { beginOutage, endOutage } from "./outage.ts";
import { noteReceiver } from "./receivers.ts";
import { storedReply } from "./stored.ts";
import {
  FAILING_FOR_MS,
  retryAfterMs,
  UNSENT_FOR_MS,
  waitBeforeNext,
  waitForUs,
} from "./webhook-schedule.ts";
import type {
  DeliveryRow,
  Endpoint,
  KeptReply,
  SendingResult,
  WebhookTools,
} from "./webhook-tables.ts";

type Recording = WebhookTools;

/**
 * Takes in what came of a sending. Only what was heard of the receiver is an attempt: a sending that never left says
 * nothing of it, and is made again soon. `tell` keeps a notice for the account's endpoints.
 */
export function record(
  store: SqlStore,
  tools: Recording,
  deliveryId: string,
  result: SendingResult,
  tell: (notice: Notice) => void,
): void {
  const at = tools.now();
  if (result.outcome === "unsent") beginOutage(store, at, tools.random());
  else endOutage(store, at);
  const [row] = store.all<DeliveryRow>(
    "SELECT * FROM deliveries WHERE id = ? AND state = 'waiting'",
    [deliveryId],
  );
  // Delivered by another sending meanwhile, or given up with its endpoint.
  if (row === undefined) return;
  if (result.outcome === "unsent") putOff(store, row, at, tools.random());
  else attempted(store, tools, row, result, tell);
  noteReceiver(store, row.receiver);
  forgetArrived(store, row.notice_id, at);
}

/** Puts a delivery off because of us; gives it up where that has gone on for longer than its whole schedule. */
function putOff(store: SqlStore, row: DeliveryRow, at: number, random: number): void {
  const since = row.unsent_since ?? at;
  if (at - since >= UNSENT_FOR_MS) {
    close(store, row.id, "failed", row.attempts);
    return;
  }
  store.all(
    "UPDATE deliveries SET unsent_since = ?, due_at = ?, leased_until = NULL WHERE id = ?",
    [since, at + waitForUs(at - since, random), row.id],
  );
}

function attempted(
  store: SqlStore,
  tools: Recording,
  row: DeliveryRow,
  reply: DeliveryReply,
  tell: (notice: Notice) => void,
): void {
  const at = tools.now();
  const made = row.attempts + 1;
  putAttempt(store, row.id, made, at, reply);
  const isDelivered = reply.outcome === "response" && reply.status >= 200 && reply.status < 300;
  markAttempt(store, row.endpoint_id, isDelivered ? null : at);
  if (isDelivered) {
    close(store, row.id, "delivered", made);
    return;
  }
  const wait = waitAfter(reply, made, at, tools.random());
  if (wait === null) close(store, row.id, "failed", made);
  else
    store.all(
      `UPDATE deliveries SET attempts = ?, due_at = ?, leased_until = NULL, unsent_since = NULL
       WHERE id = ?`,
      [made, at + wait, row.id],
    );
  const reason = hopelessness(store, row.endpoint_id, reply, at);
  if (reason !== null) disable(store, tools, reason, tell);
}

function putAttempt(
  store: SqlStore,
  deliveryId: string,
  number: number,
  at: number,
  reply: DeliveryReply,
): void {
  const [kept, response] = withoutResponse(reply);
  store.all(
    "INSERT INTO attempts (delivery_id, number, at, reply, response) VALUES (?, ?, ?, ?, ?)",
    [deliveryId, number, at, storedReply.write(kept), response],
  );
}

/** What is kept as JSON, and what lies beside it. */
function withoutResponse(reply: DeliveryReply): [KeptReply, response: string | null] {
  if (reply.outcome === "failed") return [reply, null];
  const { response = null, ...kept } = reply;
  return [kept, response];
}

/** Milliseconds to the next attempt; null where none is made. */
function waitAfter(reply: DeliveryReply, made: number, at: number, random: number): number | null {
  if (reply.outcome === "failed") return waitBeforeNext(made, null, random);
  if (reply.status === GONE) return null;
  const isPutOff = reply.status === 429 || reply.status === 503;
  return waitBeforeNext(made, isPutOff ? retryAfterMs(reply.retry_after, at) : null, random);
}

/** How a receiver says that it wants no more. Source: Standard Webhooks, RFC 9110 section 15.5.11. */
const GONE = 410;

function close(store: SqlStore, id: string, state: "delivered" | "failed", made: number): void {
  store.all(
    `UPDATE deliveries SET state = ?, attempts = ?, due_at = NULL, leased_until = NULL
     WHERE id = ?`,
    [state, made, id],
  );
}

interface Hopeless {
  readonly endpoint: Endpoint;
  readonly reason: "gone" | "failing";
}

function hopelessness(
  store: SqlStore,
  endpointId: string | null,
  reply: DeliveryReply,
  at: number,
): Hopeless | null {
  const endpoint = endpointId === null ? null : readEndpoint(store, endpointId);
  if (endpoint === null || !endpoint.isEnabled) return null;
  if (reply.outcome === "response" && reply.status === GONE) return { endpoint, reason: "gone" };
  const isFailing = at - (endpoint.failingSince ?? at) >= FAILING_FOR_MS;
  return isFailing ? { endpoint, reason: "failing" } : null;
}

function disable(
  store: SqlStore,
  { now, newId }: Recording,
  { endpoint, reason }: Hopeless,
  tell: (notice: Notice) => void,
): void {
  putEndpoint(store, { ...endpoint, isEnabled: false, disabledReason: reason });
  const [account] = store.all<{ id: string }>("SELECT id FROM account");
  tell({
    id: newId("evt"),
    type: "webhook_endpoint.disabled",
    accountId: account?.id ?? "",
    at: now(),
    data: { id: endpoint.id, url: endpoint.url, reason },
  });
}
