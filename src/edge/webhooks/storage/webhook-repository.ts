import type { Notice, WebhookTarget } from "#domain/notice.ts";
import type { Owner } from "../../keys/viewer.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import {
  type Backlog,
  backlogTold,
  forgetAbout,
  NOTICE_LIFETIME_MS,
  nextSweepAt,
  readDeliveries,
  readDelivery,
  redeliver,
  redeliverRange,
  sweepAt,
  sweepBy,
  sweepLog,
  untoldBacklog,
} from "./delivery-log.ts";
import {
  deleteEndpoint,
  putEndpoint,
  putSecrets,
  readEndpoint,
  readEndpoints,
  readSaved,
  readSecrets,
  restoreSaved,
} from "./endpoints.ts";
import { noticeBody } from "./notice-body.ts";
import { noteReceiver, receiverOf } from "./receivers.ts";
import { record } from "./webhook-record.ts";
import { webhookMigrations } from "./webhook-schema.ts";
import type {
  AccountSecrets,
  DeliveryQuery,
  DeliveryRange,
  DeliveryRow,
  DueDelivery,
  Endpoint,
  EndpointsOutcome,
  SavedEndpoints,
  SendingResult,
  TriedDelivery,
  WebhookDelivery,
  WebhookTools,
} from "./webhook-tables.ts";
import { nextDueAt, take } from "./webhook-turns.ts";

/** The endpoints of one account and everything that is on its way to them. Every operation is one transaction. */
export interface WebhookRepository {
  /** Keeps a notice for every enabled endpoint that wants it, and for its own address; the same id again changes nothing. */
  accept(notice: Notice, target: WebhookTarget | null): void;
  /** Keeps a notice for an address that a request named, and for no endpoint. */
  acceptAt(notice: Notice, target: WebhookTarget): void;
  /** Keeps a notice for one endpoint, whether it wants it or is enabled or not. False where there is none. */
  acceptFor(notice: Notice, endpointId: string): boolean;
  /** Takes deliveries that are due, at most `limit`, and none that another sender has. A sender that dies is replaced after a lease. */
  take(limit: number): readonly DueDelivery[];
  /** Takes in what came of a sending. One that never left is no attempt. */
  record(deliveryId: string, result: SendingResult): void;
  /** When something can be taken; null when nothing waits. */
  nextDueAt(): number | null;
  endpoints(): readonly Endpoint[];
  endpoint(id: string): Endpoint | null;
  putEndpoint(endpoint: Endpoint): void;
  /** Deletes it; what was on its way there fails. */
  deleteEndpoint(id: string): boolean;
  /** Secrets of the account for addresses that requests name; null before the first. */
  accountSecrets(): AccountSecrets | null;
  putAccountSecrets(secrets: AccountSecrets): void;
  /** What the backups keep of it. */
  saved(): SavedEndpoints;
  /** Writes that where there is none. */
  restore(accountId: string, cut: string, saved: SavedEndpoints): EndpointsOutcome;
  deliveries(query: DeliveryQuery, count: number): readonly WebhookDelivery[];
  delivery(id: string, owner?: Owner): TriedDelivery | null;
  /** Sends a delivery again from the beginning of its schedule. False where there is none, or its endpoint is gone. */
  redeliver(id: string, owner?: Owner): boolean;
  /** Sends a range again; returns how many. */
  redeliverRange(range: DeliveryRange): number;
  /** What waits and what was given up, for the metrics; null where it is as it was told last. */
  untoldBacklog(): Backlog | null;
  backlogTold(backlog: Backlog): void;
  /** Forgets what was told of an answer or a batch, also what is on its way. */
  forgetAbout(about: string): void;
  /** When `sweep` will have something to do; null where nothing is kept. */
  sweepAt(): number | null;
  /** Forgets what is too old to be shown, if it is time to. */
  sweep(): void;
}

/** Opens the repository of an account. */
export function openWebhookRepository(store: SqlStore, tools: WebhookTools): WebhookRepository {
  migrate(store, "webhooks", webhookMigrations);
  const whole = <Value>(work: () => Value): Value => store.transaction(work);
  return {
    accept: (notice, target) => whole(() => accept(store, tools, notice, target)),
    acceptAt: (notice, target) => whole(() => keep(store, tools, notice, [named(target)])),
    acceptFor: (notice, endpointId) => whole(() => acceptFor(store, tools, notice, endpointId)),
    take: (limit) => whole(() => take(store, tools.now(), limit)),
    record: (id, result) =>
      whole(() => record(store, tools, id, result, (notice) => accept(store, tools, notice, null))),
    nextDueAt: () => nextDueAt(store, tools.now()),
    endpoints: () => readEndpoints(store),
    endpoint: (id) => readEndpoint(store, id),
    putEndpoint: (endpoint) => whole(() => putEndpoint(store, endpoint)),
    deleteEndpoint: (id) => whole(() => deleteEndpoint(store, id)),
    accountSecrets: () => readSecrets(store),
    putAccountSecrets: (secrets) => putSecrets(store, secrets),
    saved: () => readSaved(store),
    restore: (accountId, cut, saved) => whole(() => restoreSaved(store, accountId, cut, saved)),
    deliveries: (query, count) => readDeliveries(store, query, count),
    delivery: (id, owner = null) => readDelivery(store, id, owner),
    redeliver: (id, owner = null) => whole(() => redeliver(store, id, owner, tools.now())),
    redeliverRange: (range) => whole(() => redeliverRange(store, range, tools.now())),
    untoldBacklog: () => untoldBacklog(store),
    backlogTold: (backlog) => backlogTold(store, backlog),
    forgetAbout: (about) =>
      whole(() => {
        for (const receiver of forgetAbout(store, about)) noteReceiver(store, receiver);
      }),
    sweepAt: () => sweepAt(store),
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
  // Where no endpoint and no address is to hear of it, nothing is written: most accounts have no webhooks, and every answer comes by here.
  if (addressees.length === 0) return;
  const [known] = store.all("SELECT id FROM notices WHERE id = ?", [notice.id]);
  if (known !== undefined) return;
  const at = now();
  const { lifetimeMs = NOTICE_LIFETIME_MS, patienceMs } = notice;
  const giveUpAt = patienceMs === undefined ? null : at + patienceMs;
  // What is forgotten as it arrives is swept for should it not.
  sweepBy(
    store,
    notice.accountId,
    Math.min(nextSweepAt(store, at), giveUpAt ?? at + Math.max(lifetimeMs, 1)),
  );
  store.all(
    "INSERT INTO notices (id, type, at, body, about, forget_at, give_up_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    [
      ...[notice.id, notice.type, at, noticeBody(notice)],
      ...[aboutOf(notice), at + lifetimeMs, giveUpAt],
    ],
  );
  for (const { endpoint_id, url, secret } of addressees) {
    const receiver = receiverOf(url);
    store.all(
      `INSERT INTO deliveries
         (id, notice_id, endpoint_id, url, receiver, secret, state, attempts, created_at, due_at, owner)
         VALUES (?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?, ?)`,
      [
        newId("whd"),
        notice.id,
        endpoint_id,
        url,
        receiver,
        secret,
        at,
        at,
        endpoint_id === null ? (notice.owner ?? null) : null,
      ],
    );
    noteReceiver(store, receiver);
  }
}

/** The answer or batch that a notice tells of; null where it tells of none. */
function aboutOf({ data }: Notice): string | null {
  const { id }: { readonly id?: unknown } = data;
  return typeof id === "string" ? id : null;
}
