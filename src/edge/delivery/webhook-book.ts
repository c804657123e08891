import type { Notice, WebhookTarget } from "#domain/notice.ts";
import type { DeliveryReply } from "#wire/fetch.ts";
import { migrate } from "../storage/migrations.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import {
  readDeliveries,
  readDelivery,
  redeliver,
  redeliverRange,
  sweepLog,
} from "./delivery-log.ts";
import {
  deleteEndpoint,
  markAttempt,
  putEndpoint,
  putSecrets,
  readEndpoint,
  readEndpoints,
  readSecrets,
} from "./endpoint-table.ts";
import { noticeBody } from "./notice-body.ts";
import { storedReply } from "./stored.ts";
import { FAILING_FOR_MS, retryAfterMs, waitBeforeNext } from "./webhook-schedule.ts";
import { webhookMigrations } from "./webhook-schema.ts";
import { type DeliveryRow, receiverOf } from "./webhook-tables.ts";
import type { DueDelivery, Endpoint, WebhookBook, WebhookTools } from "./webhooks.ts";

/** Whoever takes a delivery has sent it by then, or has died: twice the time-out of a sending. */
export const LEASE_MS = 30_000;

/** One slow receiver keeps so many sendings busy and no more. */
export const MAX_SENDING_PER_RECEIVER = 4;

/** Opens the book of an account. */
export function openWebhookBook(store: SqlStore, tools: WebhookTools): WebhookBook {
  migrate(store, "webhooks", webhookMigrations);
  const whole = <Value>(work: () => Value): Value => store.transaction(work);
  return {
    accept: (notice, target) => whole(() => accept(store, tools, notice, target)),
    acceptAt: (notice, target) => whole(() => keep(store, tools, notice, [named(target)])),
    acceptFor: (notice, endpointId) => whole(() => acceptFor(store, tools, notice, endpointId)),
    take: (limit) => whole(() => take(store, tools.now(), limit)),
    record: (id, reply) => whole(() => record(store, tools, id, reply)),
    nextDueAt: () => nextDueAt(store, tools.now()),
    endpoints: () => readEndpoints(store),
    endpoint: (id) => readEndpoint(store, id),
    putEndpoint: (endpoint) => whole(() => putEndpoint(store, endpoint)),
    deleteEndpoint: (id) => whole(() => deleteEndpoint(store, id)),
    accountSecrets: () => readSecrets(store),
    putAccountSecrets: (secrets) => putSecrets(store, secrets),
    deliveries: (query, count) => readDeliveries(store, query, count),
    delivery: (id) => readDelivery(store, id),
    redeliver: (id) => whole(() => redeliver(store, id, tools.now())),
    redeliverRange: (range) => whole(() => redeliverRange(store, range, tools.now())),
    sweep: () => whole(() => sweepLog(store, tools.now())),
  };
}

type Keeping = Pick<WebhookTools, "now" | "newId">;

/** Where a notice goes: to an endpoint, or to an address that a request named. */
type Addressee = Pick<DeliveryRow, "endpoint_id" | "url" | "secret">;

function accept(
  store: SqlStore,
  tools: Keeping,
  notice: Notice,
  target: WebhookTarget | null,
): void {
  const addressees: Addressee[] = readEndpoints(store)
    .filter((endpoint) => endpoint.isEnabled && wants(endpoint, notice))
    .map(addressee);
  if (target !== null && (notice.type !== "answer.draft" || target.wantsDrafts))
    addressees.push(named(target));
  keep(store, tools, notice, addressees);
}

function acceptFor(store: SqlStore, tools: Keeping, notice: Notice, endpointId: string): boolean {
  const endpoint = readEndpoint(store, endpointId);
  if (endpoint !== null) keep(store, tools, notice, [addressee(endpoint)]);
  return endpoint !== null;
}

function wants({ events }: Endpoint, { type }: Notice): boolean {
  return events === null ? type !== "answer.draft" : events.includes(type);
}

function named({ url, secret }: WebhookTarget): Addressee {
  return { endpoint_id: null, url, secret };
}

function addressee({ id, url }: Endpoint): Addressee {
  return { endpoint_id: id, url, secret: null };
}

function keep(
  store: SqlStore,
  { now, newId }: Keeping,
  notice: Notice,
  addressees: readonly Addressee[],
): void {
  const [known] = store.all("SELECT id FROM notices WHERE id = ?", notice.id);
  if (known !== undefined) return;
  const at = now();
  // What nobody is told is remembered without its body: the same id may come again when somebody listens.
  const body = addressees.length === 0 ? "" : noticeBody(notice);
  store.all("INSERT OR IGNORE INTO account (one, id) VALUES (1, ?)", notice.accountId);
  store.all(
    "INSERT INTO notices (id, type, at, body) VALUES (?, ?, ?, ?)",
    ...[notice.id, notice.type, at, body],
  );
  for (const { endpoint_id, url, secret } of addressees)
    store.all(
      `INSERT INTO deliveries
         (id, notice_id, endpoint_id, url, receiver, secret, state, attempts, created_at, due_at)
         VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?)`,
      ...[newId("whd"), notice.id, endpoint_id, url, receiverOf(url), secret, at, at],
    );
}

interface Receiver extends Record<string, string | number> {
  readonly name: string;
  readonly sending: number;
  /** When the oldest of what waits for it is due. */
  readonly due: number;
}

/** Takes in turns: of the receivers that are kept least busy, the one that has waited longest. */
function take(store: SqlStore, now: number, limit: number): readonly DueDelivery[] {
  const taken: DueDelivery[] = [];
  if (limit <= 0) return taken;
  const receivers = readReceivers(store, now).map((row) => ({ ...row }));
  while (taken.length < limit) {
    const [next] = receivers
      .filter(({ due, sending }) => due <= now && sending < MAX_SENDING_PER_RECEIVER)
      .sort((a, b) => a.sending - b.sending || a.due - b.due);
    if (next === undefined) break;
    taken.push(takeOne(store, now, next.name));
    next.sending += 1;
    next.due = oldestDue(store, next.name) ?? Number.POSITIVE_INFINITY;
  }
  return taken;
}

/** Steps from receiver to receiver through the index, so that a backlog costs nothing. */
function readReceivers(store: SqlStore, now: number): Receiver[] {
  return store.all<Receiver>(
    `WITH RECURSIVE receivers (name) AS (
       SELECT min(receiver) FROM deliveries WHERE state = 'waiting'
       UNION ALL
       SELECT (SELECT min(receiver) FROM deliveries WHERE state = 'waiting' AND receiver > name)
         FROM receivers WHERE name IS NOT NULL
     )
     SELECT name,
       (SELECT min(due_at) FROM deliveries WHERE state = 'waiting' AND receiver = name) AS due,
       (SELECT count(*) FROM deliveries WHERE leased_until > ? AND receiver = name) AS sending
     FROM receivers WHERE name IS NOT NULL`,
    now,
  );
}

function oldestDue(store: SqlStore, receiver: string): number | null {
  const [row] = store.all<{ due: number | null }>(
    "SELECT min(due_at) AS due FROM deliveries WHERE state = 'waiting' AND receiver = ?",
    receiver,
  );
  return row?.due ?? null;
}

function takeOne(store: SqlStore, now: number, receiver: string): DueDelivery {
  const [row] = store.all<DeliveryRow & { body: string; account: string }>(
    `SELECT d.*, n.body, a.id AS account
     FROM deliveries d JOIN notices n ON n.id = d.notice_id JOIN account a
     WHERE d.state = 'waiting' AND d.receiver = ? ORDER BY d.due_at LIMIT 1`,
    receiver,
  );
  if (row === undefined) throw new Error(`nothing waits for ${receiver} any more`);
  const { id, account: accountId, notice_id: noticeId, url, body } = row;
  store.all(
    "UPDATE deliveries SET leased_until = ?1, due_at = ?1 WHERE id = ?2",
    ...[now + LEASE_MS, id],
  );
  return { id, accountId, noticeId, url, body, secrets: secretsOf(store, row, now) };
}

function secretsOf(store: SqlStore, row: DeliveryRow, now: number): readonly string[] {
  if (row.secret !== null) return [row.secret];
  const signer =
    row.endpoint_id === null ? readSecrets(store) : readEndpoint(store, row.endpoint_id);
  if (signer === null) return [];
  const { secret, previous } = signer;
  return previous !== null && previous.expiresAt > now ? [secret, previous.secret] : [secret];
}

function record(
  store: SqlStore,
  tools: WebhookTools,
  deliveryId: string,
  reply: DeliveryReply,
): void {
  const [row] = store.all<DeliveryRow>(
    "SELECT * FROM deliveries WHERE id = ? AND state = 'waiting'",
    deliveryId,
  );
  // Delivered by another sending meanwhile, or given up with its endpoint.
  if (row === undefined) return;
  const at = tools.now();
  const made = row.attempts + 1;
  store.all(
    "INSERT INTO attempts (delivery_id, number, at, reply) VALUES (?, ?, ?, ?)",
    ...[row.id, made, at, storedReply.write(reply)],
  );
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
      "UPDATE deliveries SET attempts = ?, due_at = ?, leased_until = NULL WHERE id = ?",
      ...[made, at + wait, row.id],
    );
  disableWhereHopeless(store, tools, row.endpoint_id, reply, at);
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
    ...[state, made, id],
  );
}

function disableWhereHopeless(
  store: SqlStore,
  tools: Keeping,
  endpointId: string | null,
  reply: DeliveryReply,
  at: number,
): void {
  const endpoint = endpointId === null ? null : readEndpoint(store, endpointId);
  if (endpoint === null || !endpoint.isEnabled) return;
  const isGone = reply.outcome === "response" && reply.status === GONE;
  const isFailing = at - (endpoint.failingSince ?? at) >= FAILING_FOR_MS;
  if (isGone) disable(store, tools, endpoint, "gone");
  else if (isFailing) disable(store, tools, endpoint, "failing");
}

function disable(
  store: SqlStore,
  tools: Keeping,
  endpoint: Endpoint,
  reason: "gone" | "failing",
): void {
  putEndpoint(store, { ...endpoint, isEnabled: false, disabledReason: reason });
  const [account] = store.all<{ id: string }>("SELECT id FROM account");
  const notice: Notice = {
    id: tools.newId("evt"),
    type: "webhook_endpoint.disabled",
    accountId: account?.id ?? "",
    at: tools.now(),
    data: { id: endpoint.id, url: endpoint.url, reason },
  };
  accept(store, tools, notice, null);
}

/** A receiver that is kept as busy as it may be comes into question when the first of its leases ends. */
function nextDueAt(store: SqlStore, now: number): number | null {
  const times = readReceivers(store, now).map(({ name, due, sending }) =>
    sending < MAX_SENDING_PER_RECEIVER ? due : Math.max(due, firstLeaseEnd(store, name, now)),
  );
  return times.length === 0 ? null : Math.min(...times);
}

function firstLeaseEnd(store: SqlStore, receiver: string, now: number): number {
  const [row] = store.all<{ at: number | null }>(
    "SELECT min(leased_until) AS at FROM deliveries WHERE leased_until > ? AND receiver = ?",
    ...[now, receiver],
  );
  return row?.at ?? now;
}
