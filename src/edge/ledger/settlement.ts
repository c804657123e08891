import { closing, type Posting } from "#domain/ledger.ts";
import { type Micros, micros, subtract, toNumber, ZERO } from "#domain/micros.ts";
import type { ChargeEvent } from "#wire/function/usage-event.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { collectOwed } from "./credit.ts";
import { type PostingDetails, readBalances, readBooks, record } from "./journal.ts";
import type { Called, Capture, Captured } from "./ledger-service.ts";
import { leavePlace, renewPlace } from "./limits/places.ts";
import { returnSpending } from "./limits/spend-caps.ts";
import { alertLowCredit } from "./low-credit-alert.ts";
import { putOut } from "./outbox.ts";
import {
  HOLD_LIFETIME_MS,
  type HoldRow,
  MAX_HOLD_LIFETIME_MS,
  readHold,
} from "./storage/hold-rows.ts";
import { storedCapCounters } from "./storage/stored-ledger.ts";

/** How long a reply is kept for a client that repeats its request. Source: infra/docs/facts.md#replies-kept-for-an-idempotency-key. */
export const REPLY_LIFETIME_MS: number = 24 * 3_600_000;

/** What became of a capture. */
export interface Charged extends Captured {
  /** What is told of the charge elsewhere; null where this call was a repeated or a late one, and charged nothing. */
  readonly usage: ChargeEvent | null;
}

/** Lets an open hold stand for longer. Never shortens: the clock may have been set back. */
export function renew(store: SqlStore, holdId: string, now: number): void {
  store.all(
    `UPDATE holds SET expires_at = max(expires_at, min(?, opened_at + ?))
       WHERE id = ? AND state = 'open'`,
    [now + HOLD_LIFETIME_MS, MAX_HOLD_LIFETIME_MS, holdId],
  );
  renewPlace(store, holdId, now);
}

/** Charges a hold and keeps the reply for its Idempotency-Key. Stands in a transaction. */
export function capture(store: SqlStore, request: Capture, now: number): Charged {
  const row = readHold(store, request.holdId);
  // Gone for a week, expired, released, or captured by the first of two calls: nothing is charged twice or too late.
  if (row?.state !== "open") {
    const charged = row === undefined ? ZERO : micros(row.charged);
    // The call that charged it may have been of a version that told no end with the usage: then nobody else lists it.
    return { charged, usage: null, called: [], isListed: false };
  }
  const charged = close(store, row, request, now);
  if (request.reply === null) store.all("DELETE FROM replies WHERE hold_id = ?", [row.id]);
  else
    store.all("UPDATE replies SET reply = ?, expires_at = ? WHERE hold_id = ?", [
      request.reply,
      now + REPLY_LIFETIME_MS,
      row.id,
    ]);
  const usage: ChargeEvent = {
    id: row.id,
    account: row.account_id,
    key: row.key_id,
    model: row.model,
    micros: toNumber(charged),
    steps: request.steps,
    answers: request.answers ?? 1,
    ...(row.owner === null ? {} : { owner: row.owner }),
    at: now,
    ...(request.listed === undefined ? {} : { listed: request.listed }),
  };
  putOut(store, usage, now);
  alertLowCredit(store, now);
  const isListed = request.listed !== undefined;
  return { charged, usage, called: leavePlace(store, row.id), isListed };
}

/** Gives a hold back whole. Stands in a transaction. */
export function release(store: SqlStore, holdId: string, now: number): Called {
  const row = readHold(store, holdId);
  if (row?.state !== "open") return { called: [] };
  close(store, row, { charge: ZERO }, now);
  store.all("DELETE FROM replies WHERE hold_id = ?", [holdId]);
  return { called: leavePlace(store, holdId) };
}

/** Closes an open hold with its charge, and gives the counters it was spent from what was not charged. */
function close(
  store: SqlStore,
  row: HoldRow,
  { charge, steps, answers }: Pick<Capture, "charge" | "answers"> & { readonly steps?: number },
  now: number,
): Micros {
  const held = micros(row.amount);
  const details: PostingDetails = { holdId: row.id, keyId: row.key_id, at: now };
  const postings: readonly Posting[] = closing(held, charge);
  for (const posting of postings) record(store, posting, details);
  const charged = postings.find(({ kind }) => kind === "capture")?.amount ?? ZERO;
  returnSpending(store, storedCapCounters.read(row.spending), subtract(held, charged));
  if (charged < held) collectOwed(store, now);
  store.all("UPDATE holds SET state = ?, charged = ?, steps = ?, answers = ? WHERE id = ?", [
    ...[charge > 0n ? "captured" : "released", toNumber(charged)],
    ...[steps ?? null, answers ?? null, row.id],
  ]);
  return charged;
}

/**
 * Gives the holds back that a restored ledger has open: the objects that made their answers are gone. What each was spent from
 * is given its part too. Stands in the transaction that ends the restore.
 */
export function releaseRestored(
  store: SqlStore,
  open: ReadonlyMap<string, string>,
  now: number,
): void {
  const held = store.all<{ hold_id: string; key_id: string | null; amount: number }>(
    `SELECT hold_id, max(key_id) AS key_id,
         sum(CASE kind WHEN 'hold' THEN amount ELSE -amount END) AS amount
       FROM entries WHERE kind IN ('hold', 'capture', 'release') AND hold_id IS NOT NULL
       GROUP BY hold_id HAVING sum(CASE kind WHEN 'hold' THEN amount ELSE -amount END) > 0
       ORDER BY min(seq)`,
  );
  for (const { hold_id: holdId, key_id: keyId, amount } of held) {
    const note = "restored from a backup: its answer was lost";
    record(store, { kind: "release", amount: micros(amount) }, { holdId, keyId, note, at: now });
    const counters = open.get(holdId);
    if (counters !== undefined)
      returnSpending(store, storedCapCounters.read(counters), micros(amount));
  }
  collectOwed(store, now);
}

/**
 * Gives back what has not been heard of for a lifetime. Where the books disagree, a hold may be of another amount than was set aside
 * for it, and what is given back would be another hold's: it stays for another lifetime, without its place, and is told with the
 * standing until a person has corrected the books.
 */
export function releaseExpired(store: SqlStore, now: number): void {
  const expired = store.all<{ id: string; amount: number }>(
    "SELECT id, amount FROM holds WHERE state = 'open' AND expires_at <= ?",
    [now],
  );
  if (expired.length === 0) return;
  const isSound = readBooks(store).off_by === 0;
  for (const { id, amount } of expired)
    if (isSound || isAsBooked(store, id, amount)) release(store, id, now);
    else postpone(store, id, now);
}

/** Reads the journal from its beginning: it has no index by hold, and books that disagree are rare. */
function isAsBooked(store: SqlStore, holdId: string, amount: number): boolean {
  const [entry] = store.all<{ amount: number }>(
    "SELECT amount FROM entries WHERE hold_id = ? AND kind = 'hold'",
    [holdId],
  );
  return entry?.amount === amount && micros(amount) <= readBalances(store).held;
}

/** Nobody makes its answer any more, so it counts no longer among those in the making. */
function postpone(store: SqlStore, holdId: string, now: number): void {
  store.all("UPDATE holds SET expires_at = ?, is_shared = 1, has_place = 0 WHERE id = ?", [
    now + HOLD_LIFETIME_MS,
    holdId,
  ]);
  leavePlace(store, holdId);
}
