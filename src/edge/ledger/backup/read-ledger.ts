import type { Balances } from "#domain/ledger.ts";
import type { ChargeEvent } from "#wire/function/usage-event.ts";
import type { SqlStore, SqlValue } from "../../storage/sql-store.ts";
import type { EntryRow } from "../storage/entry-row.ts";
import type {
  ExportedLine,
  ExportedReply,
  Fork,
  LedgerExport,
  LedgerOrigin,
  LedgerRest,
} from "./ledger-backup.ts";

/** Threat: lines that fill the isolate, and a ledger that serves nobody while it reads them. A line takes some 250 bytes; 2,000 are read in milliseconds. */
export const MAX_EXPORTED_LINES = 2_000;

/** Threat: as above. A counter takes some 80 bytes; keys have 32 of them, and client tokens one each until they expire. */
const MAX_COUNTERS = 20_000;

/** Reads lines and what belongs to them, in one moment. `ownBook`: what the ledger's book is called unless it was restored. */
export function readExport(
  store: SqlStore,
  after: number,
  limit: number,
  ownBook: string,
): LedgerExport {
  const size = Math.min(MAX_EXPORTED_LINES, Math.max(1, limit));
  const rows = store.all<EntryRow>("SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?", [
    after,
    size + 1,
  ]);
  const page = rows.slice(0, size);
  const range: Range = [after, page.at(-1)?.seq ?? after];
  const place = readOrigin(store) ?? { book: ownBook, timeline: 0, forks: [], cut: null };
  return {
    book: place.book,
    timeline: place.timeline,
    forks: place.forks,
    cut: place.cut,
    lines: page.map(lineOf),
    charges: readCharges(store, range),
    replies: readReplies(store, range),
    rest: rows.length > size ? null : readRest(store),
  };
}

/** Where a restored ledger came from; undefined for any other. */
export function readOrigin(
  store: SqlStore,
): (LedgerOrigin & { readonly isWhole: boolean }) | undefined {
  const [row] = store.all<{
    book: string;
    timeline: number;
    forks: string;
    cut: string;
    is_whole: number;
  }>("SELECT book, timeline, forks, cut, is_whole FROM origin");
  if (row === undefined) return undefined;
  const { book, timeline, cut } = row;
  return { book, timeline, forks: storedForks.read(row.forks), cut, isWhole: row.is_whole === 1 };
}

/** Number of the last line; 0 where there is none. */
export function readLastSeq(store: SqlStore): number {
  return store.all<{ seq: number | null }>("SELECT max(seq) AS seq FROM entries")[0]?.seq ?? 0;
}

/** Pairs of numbers, which no version will have otherwise. */
export const storedForks = {
  write: (forks: readonly Fork[]): string =>
    JSON.stringify(forks.map(({ timeline, to }) => [timeline, to])),
  read: (text: string): readonly Fork[] =>
    (JSON.parse(text) as [number, number][]).map(([timeline, to]) => ({ timeline, to })),
};

type Range = readonly [after: number, to: number];

/** What the queue was told of captures: their holds are kept for a week, and an export comes within minutes. */
function readCharges(store: SqlStore, range: Range): readonly ChargeEvent[] {
  return store
    .all<ChargeRow>(
      `SELECT holds.id, account_id, holds.key_id, model, charged, steps, answers, owner, entries.at
         FROM entries JOIN holds ON holds.id = entries.hold_id
         WHERE entries.seq > ? AND entries.seq <= ? AND entries.kind = 'capture' ORDER BY entries.seq`,
      range,
    )
    .map((row) => ({
      id: row.id,
      account: row.account_id,
      key: row.key_id,
      model: row.model,
      micros: row.charged,
      steps: row.steps ?? 0,
      answers: row.answers ?? 1,
      ...(row.owner === null ? {} : { owner: row.owner }),
      at: row.at,
    }));
}

function readReplies(store: SqlStore, range: Range): readonly ExportedReply[] {
  return store
    .all<{ hold_id: string; scope: string; fingerprint: string; expires_at: number }>(
      `SELECT replies.hold_id, scope, fingerprint, expires_at
         FROM entries JOIN replies ON replies.hold_id = entries.hold_id
         WHERE entries.seq > ? AND entries.seq <= ? AND entries.kind = 'capture'
           AND (reply IS NOT NULL OR is_lost = 1) AND expires_at IS NOT NULL ORDER BY entries.seq`,
      range,
    )
    .map((row) => ({
      holdId: row.hold_id,
      scope: row.scope,
      fingerprint: row.fingerprint,
      expiresAt: row.expires_at,
    }));
}

function readRest(store: SqlStore): LedgerRest {
  const [balances] = store.all<Record<keyof Balances, number>>(
    "SELECT issuer, available, held, revenue FROM balances",
  );
  if (balances === undefined) throw new Error("the ledger has lost its balances");
  const [line] = store.all<{ account_id: string; line: number; is_told: number }>(
    "SELECT account_id, line, is_told FROM credit_line",
  );
  return {
    seq: readLastSeq(store),
    balances,
    owed: store.all<{ amount: number }>("SELECT amount FROM owed")[0]?.amount ?? 0,
    spending: store
      .all<{ purse: string; amount: number; forget_at: number }>(
        "SELECT purse, amount, forget_at FROM spending ORDER BY forget_at DESC, purse LIMIT ?",
        [MAX_COUNTERS],
      )
      .map((row) => ({ purse: row.purse, amount: row.amount, forgetAt: row.forget_at })),
    payments: store.all<{ id: string; state: string; credited: number }>(
      "SELECT id, state, credited FROM payments ORDER BY id",
    ),
    creditLine:
      line === undefined
        ? null
        : { accountId: line.account_id, line: line.line, isTold: line.is_told === 1 },
    open: store.all<{ id: string; text: string }>(
      "SELECT id, spending AS text FROM holds WHERE state = 'open' AND amount > 0 ORDER BY id",
    ),
    alerts: store.all<{ id: string; text: string }>(
      "SELECT id, notice AS text FROM alerts ORDER BY id",
    ),
    outbox: store.all<{ id: string; text: string }>(
      "SELECT id, event AS text FROM outbox ORDER BY id",
    ),
  };
}

interface ChargeRow extends Record<string, SqlValue> {
  readonly id: string;
  readonly account_id: string;
  readonly key_id: string;
  readonly model: string;
  readonly charged: number;
  readonly steps: number | null;
  readonly answers: number | null;
  readonly owner: string | null;
  readonly at: number;
}

function lineOf(row: EntryRow): ExportedLine {
  return {
    seq: row.seq,
    kind: row.kind,
    amount: row.amount,
    holdId: row.hold_id,
    keyId: row.key_id,
    reference: row.reference,
    note: row.note,
    at: row.at,
    available: row.available,
  };
}
