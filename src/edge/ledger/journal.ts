import { type Balances, movements, type Posting, post, sumOf } from "#domain/ledger.ts";
import { micros, toNumber } from "#domain/micros.ts";
import type { StandingEvent } from "#wire/telemetry/metric-event.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import type { EntryPage, EntryQuery } from "./ledger-service.ts";
import type { EntryRow } from "./storage/entry-row.ts";

/** What is written beside an amount. */
export interface PostingDetails {
  readonly holdId?: string;
  readonly keyId?: string | null;
  /** Id of a grant or refund; no two entries have the same. */
  readonly reference?: string;
  readonly note?: string;
  readonly at: number;
}

/** Writes an entry and the balances after it. The rules have agreed before; throws where they did not. */
export function record(store: SqlStore, posting: Posting, details: PostingDetails): Balances {
  const posted = post(readBalances(store), posting);
  if (!posted.ok) throw new Error(`a ${posting.kind} was written that the rules refuse`);
  const after = posted.value;
  const { from, to } = movements[posting.kind];
  store.all(
    `INSERT INTO entries (kind, source, target, amount, hold_id, key_id, reference, note, at, available)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      posting.kind,
      from,
      to,
      toNumber(posting.amount),
      details.holdId ?? null,
      details.keyId ?? null,
      details.reference ?? null,
      details.note ?? null,
      details.at,
      toNumber(after.available),
    ],
  );
  store.all(
    "UPDATE balances SET issuer = ?, available = ?, held = ?, revenue = ?",
    [after.issuer, after.available, after.held, after.revenue].map(toNumber),
  );
  return after;
}

/** Reads the balances as of the last entry. */
export function readBalances(store: SqlStore): Balances {
  const [row] = store.all<Record<keyof Balances, number>>(
    "SELECT issuer, available, held, revenue FROM balances",
  );
  if (row === undefined) throw new Error("the ledger has lost its balances");
  const { issuer, available, held, revenue } = row;
  return {
    issuer: micros(issuer),
    available: micros(available),
    held: micros(held),
    revenue: micros(revenue),
  };
}

/** Where an account's books stand, and whether they agree with themselves. */
export type ToldBooks = Omit<StandingEvent, "kind" | "id" | "account" | "at" | "owed">;

/**
 * Reads where the books stand. Reads the balances, the last entry and the open holds, however long the journal: what it sums is the
 * invariant of every transaction, and re-booking the journal is for who exports it.
 */
export function readBooks(store: SqlStore): ToldBooks {
  const balances = readBalances(store);
  const [holds] = store.all<{
    count: number;
    amount: number;
    oldest: number | null;
    expiry: number | null;
  }>(
    `SELECT count(*) AS count, coalesce(sum(amount), 0) AS amount, min(opened_at) AS oldest,
       min(expires_at) AS expiry FROM holds WHERE state = 'open'`,
  );
  const [last] = store.all<{ available: number }>(
    "SELECT available FROM entries ORDER BY seq DESC LIMIT 1",
  );
  const [available, held] = [toNumber(balances.available), toNumber(balances.held)];
  return {
    available,
    held,
    revenue: toNumber(balances.revenue),
    issuer: toNumber(balances.issuer),
    off_by:
      Math.abs(Number(sumOf(balances))) +
      Math.abs(held - (holds?.amount ?? 0)) +
      Math.abs(available - (last?.available ?? 0)),
    open_holds: holds?.count ?? 0,
    oldest_hold_at: holds?.oldest ?? null,
    hold_expires_at: holds?.expiry ?? null,
  };
}

/** Threat: a page that fills the isolate. An entry takes some 200 bytes. */
const MAX_PAGE = 1000;

/** Above every entry's number and time. */
const LAST = Number.MAX_SAFE_INTEGER;

/** Reads entries, newest first. */
export function readEntries(store: SqlStore, query: EntryQuery): EntryPage {
  const { before, from, until, kind, limit } = query;
  const size = Math.min(MAX_PAGE, Math.max(1, limit));
  const rows = store.all<EntryRow>(
    // No index by time: it would cost a row written for each entry, and an old range is rarely asked for.
    "SELECT * FROM entries WHERE seq < ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR kind = ?4) ORDER BY seq DESC LIMIT ?5",
    [before ?? LAST, from ?? 0, until ?? LAST, kind ?? null, size + 1],
  );
  const page = rows.slice(0, size);
  return {
    entries: page.map((row) => ({
      seq: row.seq,
      kind: row.kind,
      amount: micros(row.amount),
      holdId: row.hold_id,
      keyId: row.key_id,
      reference: row.reference,
      note: row.note,
      at: row.at,
      available: micros(row.available),
    })),
    nextBefore: rows.length > size ? (page.at(-1)?.seq ?? null) : null,
  };
}
