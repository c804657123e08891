import type { SqlStore, SqlValue } from "../../storage/sql-store.ts";
import { readEndpoint, readSecrets } from "./endpoints.ts";
import { holdBack, outageOf } from "./outage.ts";
import { noteReceiver } from "./receivers.ts";
import type { DeliveryRow, DueDelivery } from "./webhook-tables.ts";

/** A sender that took a delivery has sent it by then, or has died: twice the time-out of a sending. */
export const LEASE_MS = 30_000;

/** One slow receiver keeps so many sendings busy and no more. */
export const MAX_SENDING_PER_RECEIVER = 4;

/**
 * Takes in turns: of the receivers that are kept least busy, the one that has waited longest. While our own side is known
 * not to send, one delivery at a time goes ahead to find out whether it does again.
 */
export function take(store: SqlStore, now: number, limit: number): readonly DueDelivery[] {
  const outage = outageOf(store);
  if (outage !== null && now < outage.pausedUntil) return [];
  const room = outage === null ? limit : Math.min(limit, 1);
  const taken: DueDelivery[] = [];
  while (taken.length < room) {
    const name = nextReceiver(store, now);
    if (name === undefined) break;
    taken.push(takeOne(store, now, name));
  }
  if (outage !== null && taken.length > 0) holdBack(store, now + LEASE_MS);
  return taken;
}

/**
 * When something can be taken: a receiver that is kept as busy as it may be comes into question when the first of its
 * leases ends. Null when nothing waits.
 */
export function nextDueAt(store: SqlStore, now: number): number | null {
  const [ready] = store.all<{ due_at: number }>(
    `SELECT due_at FROM receivers WHERE name NOT IN (
       SELECT receiver FROM deliveries WHERE leased_until > ? GROUP BY receiver HAVING count(*) >= ?
     ) ORDER BY due_at, name LIMIT 1`,
    [now, MAX_SENDING_PER_RECEIVER],
  );
  const full = readBusy(store, now)
    .filter(({ sending }) => sending >= MAX_SENDING_PER_RECEIVER)
    .map(({ due, free_at }) => Math.max(due, free_at));
  const times = ready === undefined ? full : [ready.due_at, ...full];
  if (times.length === 0) return null;
  return Math.max(Math.min(...times), outageOf(store)?.pausedUntil ?? 0);
}

interface BusyReceiver extends Record<string, SqlValue> {
  readonly name: string;
  /** How many are on their way to it right now. */
  readonly sending: number;
  /** When the oldest of what waits for it is due. */
  readonly due: number;
  /** When the first of its leases ends. */
  readonly free_at: number;
}

/** Reads the receivers that a sender is sending to: as few as there are sendings. */
function readBusy(store: SqlStore, now: number): BusyReceiver[] {
  return store.all<BusyReceiver>(
    `SELECT r.name, count(*) AS sending, r.due_at AS due, min(d.leased_until) AS free_at
     FROM deliveries d JOIN receivers r ON r.name = d.receiver
     WHERE d.leased_until > ? GROUP BY r.name`,
    [now],
  );
}

function nextReceiver(store: SqlStore, now: number): string | undefined {
  const [idle] = store.all<{ name: string }>(
    `SELECT name FROM receivers WHERE due_at <= ?1
       AND name NOT IN (SELECT receiver FROM deliveries WHERE leased_until > ?1)
     ORDER BY due_at, name LIMIT 1`,
    [now],
  );
  if (idle !== undefined) return idle.name;
  return readBusy(store, now)
    .filter(({ due, sending }) => due <= now && sending < MAX_SENDING_PER_RECEIVER)
    .sort((a, b) => a.sending - b.sending || a.due - b.due)[0]?.name;
}

function takeOne(store: SqlStore, now: number, receiver: string): DueDelivery {
  const [row] = store.all<DeliveryRow & { body: string; account: string }>(
    `SELECT d.*, n.body, a.id AS account
     FROM deliveries d JOIN notices n ON n.id = d.notice_id JOIN account a
     WHERE d.state = 'waiting' AND d.receiver = ? ORDER BY d.due_at LIMIT 1`,
    [receiver],
  );
  if (row === undefined) throw new Error(`nothing waits for ${receiver} any more`);
  const { id, account: accountId, notice_id: noticeId, url, body } = row;
  store.all("UPDATE deliveries SET leased_until = ?1, due_at = ?1 WHERE id = ?2", [
    now + LEASE_MS,
    id,
  ]);
  noteReceiver(store, receiver);
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
