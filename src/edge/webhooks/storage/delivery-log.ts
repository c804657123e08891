import type { NoticeType } from "#domain/notice.ts";
import type { BacklogEvent } from "#wire/telemetry/metric-event.ts";
import type { Owner } from "../../keys/viewer.ts";
import type { SqlStore, SqlValue } from "../../storage/sql-store.ts";
import { noteReceiver } from "./receivers.ts";
import { storedReply } from "./stored.ts";
import type {
  DeliveryQuery,
  DeliveryRange,
  DeliveryRow,
  TriedDelivery,
  WebhookDelivery,
} from "./webhook-tables.ts";

/** How long a notice can be looked up and delivered again, where it does not say otherwise. */
export const NOTICE_LIFETIME_MS: number = 30 * 24 * 3_600_000;

/** Milliseconds between two sweeps of what is too old to be shown, at the most. */
const SWEEP_MS: number = 24 * 3_600_000;

/** And at the least: of an account whose notices are kept for moments. */
const MIN_SWEEP_MS = 60_000;

/**
 * Bytes of an account's log, of the 10 GB that an object may hold (Durable Objects, limits). Beyond it the oldest notices that nobody
 * waits for are forgotten before their time. The other half is for what is on its way: three days of a receiver that is away.
 */
export const MAX_LOG_BYTES = 5_000_000_000;

/** Forgotten in one sweep of a log that is full: a minute of eighty notices a second. */
export const FORGOTTEN_AT_ONCE = 5_000;

/** Lists at most `count` deliveries, newest first. */
export function readDeliveries(
  store: SqlStore,
  { endpointId, state, type, after, owner = null }: DeliveryQuery,
  count: number,
): readonly WebhookDelivery[] {
  const [createdAt, id] = after ?? [Number.MAX_SAFE_INTEGER, ""];
  return store
    .all<ListedRow>(
      `SELECT d.*, n.type FROM deliveries d JOIN notices n ON n.id = d.notice_id
       WHERE (d.created_at < ?1 OR (d.created_at = ?1 AND d.id > ?2))
         AND (?3 IS NULL OR d.endpoint_id = ?3) AND (?4 IS NULL OR d.state = ?4)
         AND (?5 IS NULL OR n.type = ?5) AND (?7 IS NULL OR d.owner = ?7)
       ORDER BY d.created_at DESC, d.id LIMIT ?6`,
      [createdAt, id, endpointId ?? null, state ?? null, type ?? null, count, owner],
    )
    .map(deliveryOf);
}

/** Finds a delivery and everything that was tried for it; null where there is none. */
export function readDelivery(store: SqlStore, id: string, owner: Owner): TriedDelivery | null {
  const [row] = store.all<ListedRow & { readonly body: string }>(
    `SELECT d.*, n.type, n.body FROM deliveries d JOIN notices n ON n.id = d.notice_id
       WHERE d.id = ?1 AND (?2 IS NULL OR d.owner = ?2)`,
    [id, owner],
  );
  if (row === undefined) return null;
  const attempts = store.all<AttemptRow>(
    "SELECT number, at, reply, response FROM attempts WHERE delivery_id = ? ORDER BY at, number",
    [id],
  );
  return {
    body: row.body,
    delivery: deliveryOf(row),
    attempts: attempts.map(({ number, at, reply, response }) => ({
      number,
      at,
      reply: storedReply.read(reply),
      response,
    })),
  };
}

/** Begins a delivery's schedule anew. False where there is none, or its endpoint is gone or disabled. */
export function redeliver(store: SqlStore, id: string, owner: Owner, now: number): boolean {
  const changed = store.all<{ receiver: string }>(
    `UPDATE deliveries SET ${AGAIN} WHERE id = ?2 AND (?3 IS NULL OR owner = ?3) AND ${SENDABLE}
       RETURNING receiver`,
    [now, id, owner],
  );
  for (const { receiver } of changed) noteReceiver(store, receiver);
  return changed.length > 0;
}

/** Begins the schedules of a range anew; returns how many. */
export function redeliverRange(
  store: SqlStore,
  { endpointId, state, since, until, owner = null }: DeliveryRange,
  now: number,
): number {
  const changed = store.all<{ receiver: string }>(
    `UPDATE deliveries SET ${AGAIN} WHERE created_at >= ?2 AND created_at < ?3
       AND (?4 IS NULL OR endpoint_id = ?4) AND (?5 IS NULL OR state = ?5)
       AND (?6 IS NULL OR owner = ?6) AND ${SENDABLE}
       RETURNING receiver`,
    [now, since, until, endpointId ?? null, state ?? null, owner],
  );
  for (const receiver of new Set(changed.map((row) => row.receiver))) noteReceiver(store, receiver);
  return changed.length;
}

/** When the log is to be swept next; null where there is nothing in it. */
export function sweepAt(store: SqlStore): number | null {
  const [row] = store.all<{ sweep_at: number | null }>("SELECT sweep_at FROM account");
  return row?.sweep_at ?? null;
}

/** Forgets, once it is time, what is too old to be asked for; nothing that is still on its way, unless its time to be tried is over. */
export function sweepLog(store: SqlStore, now: number): void {
  if ((sweepAt(store) ?? Number.POSITIVE_INFINITY) > now) return;
  giveUpLate(store, now);
  // What code of before kept has no end of its own.
  forgetNotices(store, `coalesce(forget_at, at + ${NOTICE_LIFETIME_MS}) < ?`, [now]);
  if (isFull(store))
    forgetNotices(store, "true", [], `ORDER BY forget_at LIMIT ${FORGOTTEN_AT_ONCE}`);
  setSweep(store, now);
}

/** When what arrives now is looked after: a log that is full is made room in. */
export function nextSweepAt(store: SqlStore, now: number): number {
  return now + (isFull(store) ? MIN_SWEEP_MS : SWEEP_MS);
}

function isFull(store: SqlStore): boolean {
  return store.bytes() > MAX_LOG_BYTES;
}

/** Forgets a notice whose time is over now that nothing of it is on its way any more. */
export function forgetArrived(store: SqlStore, noticeId: string, now: number): void {
  forgetNotices(store, "id = ? AND forget_at <= ?", [noticeId, now]);
}

/** Has the log swept then, or sooner. */
export function sweepBy(store: SqlStore, accountId: string, at: number): void {
  store.all(
    `INSERT INTO account (one, id, sweep_at) VALUES (1, ?1, ?2)
       ON CONFLICT (one) DO UPDATE SET sweep_at = min(coalesce(sweep_at, ?2), ?2)
       WHERE sweep_at IS NULL OR sweep_at > ?2`,
    [accountId, at],
  );
}

/** Forgets what was told of an answer or a batch, also what is on its way. Returns whom something waited for. */
export function forgetAbout(store: SqlStore, about: string): readonly string[] {
  const waiting = store.all<{ receiver: string }>(
    `SELECT DISTINCT receiver FROM deliveries WHERE state = 'waiting'
       AND notice_id IN (SELECT id FROM notices WHERE about = ?)`,
    [about],
  );
  deleteNotices(store, "SELECT id FROM notices WHERE about = ?", [about]);
  return waiting.map(({ receiver }) => receiver);
}

/** Ends what has been tried for as long as it may be. */
function giveUpLate(store: SqlStore, now: number): void {
  const late = store.all<{ receiver: string }>(
    `UPDATE deliveries SET state = 'failed', due_at = NULL, leased_until = NULL
       WHERE state = 'waiting' AND notice_id IN (SELECT id FROM notices WHERE give_up_at <= ?)
       RETURNING receiver`,
    [now],
  );
  for (const receiver of new Set(late.map((row) => row.receiver))) noteReceiver(store, receiver);
}

/** Forgets notices of which nothing is on its way; `some`: in what order, and how many. */
function forgetNotices(
  store: SqlStore,
  condition: string,
  bindings: readonly SqlValue[],
  some = "",
): void {
  deleteNotices(
    store,
    `SELECT id FROM notices WHERE ${condition} AND NOT EXISTS
       (SELECT 1 FROM deliveries WHERE notice_id = notices.id AND state = 'waiting') ${some}`,
    bindings,
  );
}

/** `which` selects their ids. */
function deleteNotices(store: SqlStore, which: string, bindings: readonly SqlValue[]): void {
  const ids = store.all<{ id: string }>(which, bindings);
  for (const { id } of ids) {
    store.all(
      "DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries WHERE notice_id = ?)",
      [id],
    );
    store.all("DELETE FROM deliveries WHERE notice_id = ?", [id]);
    store.all("DELETE FROM notices WHERE id = ?", [id]);
  }
}

/** What waits beyond its end is looked at when it is sent. */
function setSweep(store: SqlStore, now: number): void {
  store.all(
    `UPDATE account SET sweep_at = CASE WHEN EXISTS (SELECT 1 FROM notices) THEN
       max(?1, min(?2, coalesce((SELECT min(forget_at) FROM notices WHERE forget_at > ?3), ?2),
         coalesce((SELECT min(give_up_at) FROM notices WHERE give_up_at > ?3), ?2))) END`,
    [now + MIN_SWEEP_MS, nextSweepAt(store, now), now],
  );
}

interface AttemptRow extends Record<string, SqlValue> {
  readonly number: number;
  readonly at: number;
  readonly reply: string;
  readonly response: string | null;
}

type ListedRow = DeliveryRow & { readonly type: NoticeType };

function deliveryOf(row: ListedRow): WebhookDelivery {
  return {
    id: row.id,
    noticeId: row.notice_id,
    type: row.type,
    endpointId: row.endpoint_id,
    url: row.url,
    state: row.state,
    attempts: row.attempts,
    createdAt: row.created_at,
    dueAt: row.due_at,
  };
}

/** To the endpoint's address of today: it may have moved since. */
const AGAIN = `state = 'waiting', attempts = 0, due_at = ?1, leased_until = NULL,
  unsent_since = NULL,
  url = coalesce((SELECT e.url FROM endpoints e WHERE e.id = endpoint_id), url),
  receiver = coalesce((SELECT e.receiver FROM endpoints e WHERE e.id = endpoint_id), receiver)`;

/** Deliveries whose endpoint is there and enabled, or which name their own address. */
const SENDABLE = `(endpoint_id IS NULL OR endpoint_id IN (
  SELECT id FROM endpoints WHERE is_enabled = 1))`;

/** What an account's deliveries have come to. */
export type Backlog = Pick<BacklogEvent, "account" | "waiting" | "oldest_at" | "failed">;

/** Threat: a count that reads a backlog of any length after each sending. Beyond it, it is long, and how long says nothing more. */
const MAX_COUNTED = 10_000;

/**
 * What waits and what was given up, where that is other than it was told last; null where it is not. Most accounts have nothing
 * waiting between two sendings and never tell anything.
 */
export function untoldBacklog(store: SqlStore): Backlog | null {
  const [told] = store.all<{
    id: string;
    waiting: number;
    oldest_at: number | null;
    failed: number;
  }>(
    `SELECT id, told_waiting AS waiting, told_oldest_at AS oldest_at, told_failed AS failed
     FROM account`,
  );
  if (told === undefined) return null;
  const [waiting, oldest_at] = counted(store, "waiting");
  const [failed] = counted(store, "failed");
  const isTold = waiting === told.waiting && oldest_at === told.oldest_at && failed === told.failed;
  return isTold ? null : { account: told.id, waiting, oldest_at, failed };
}

/** Keeps what was told. */
export function backlogTold(store: SqlStore, { waiting, oldest_at, failed }: Backlog): void {
  store.all("UPDATE account SET told_waiting = ?, told_oldest_at = ?, told_failed = ?", [
    waiting,
    oldest_at,
    failed,
  ]);
}

function counted(
  store: SqlStore,
  state: "waiting" | "failed",
): [count: number, oldest: number | null] {
  const [row] = store.all<{ count: number; oldest: number | null }>(
    `SELECT count(*) AS count, min(created_at) AS oldest FROM (
       SELECT created_at FROM deliveries WHERE state = '${state}' LIMIT ${MAX_COUNTED})`,
  );
  return [row?.count ?? 0, row?.oldest ?? null];
}
