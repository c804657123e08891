import { type Balances, movements, post } from "#domain/ledger.ts";
import { micros, toNumber } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { storedUsage } from "../storage/stored-ledger.ts";
import type {
  ExportedLine,
  LedgerOrigin,
  LedgerRest,
  RestoredBeside,
  RestoredSoFar,
  RestoreRefusal,
} from "./ledger-backup.ts";
import { readLastSeq, readOrigin, storedForks } from "./read-ledger.ts";

/** Writes lines as they were. Stands in a transaction that a refusal undoes. */
export function writeLines(
  store: SqlStore,
  origin: LedgerOrigin,
  lines: readonly ExportedLine[],
  { replies, refunds }: RestoredBeside,
  now: number,
): Result<RestoredSoFar, RestoreRefusal> {
  const begun = begin(store, origin);
  if (!begun.ok || begun.value.isWhole) return begun;
  let balances = readBooks(store);
  let { seq } = begun.value;
  for (const line of lines) {
    if (line.seq <= seq) continue;
    const after = line.seq === seq + 1 ? booked(balances, line) : null;
    if (after === null) return refuse("not_bookable");
    insertLine(store, line);
    balances = after;
    ({ seq } = line);
  }
  store.all(
    "UPDATE balances SET issuer = ?, available = ?, held = ?, revenue = ?",
    [balances.issuer, balances.available, balances.held, balances.revenue].map(toNumber),
  );
  for (const { scope, fingerprint, holdId, expiresAt } of replies)
    if (expiresAt > now)
      store.all(
        `INSERT INTO replies (scope, fingerprint, hold_id, expires_at, is_lost) VALUES (?, ?, ?, ?, 1)
           ON CONFLICT DO NOTHING`,
        [scope, fingerprint, holdId, expiresAt],
      );
  for (const event of refunds) putBack(store, event.id, storedUsage.write(event), now);
  return ok({ seq, isWhole: false });
}

/** Writes what else it kept, where all lines are there and come to what it said. Stands in a transaction that a refusal undoes. */
export function writeRest(
  store: SqlStore,
  origin: LedgerOrigin,
  rest: LedgerRest,
  now: number,
): Result<RestoredSoFar, RestoreRefusal> {
  const begun = begin(store, origin);
  if (!begun.ok || begun.value.isWhole) return begun;
  const { seq } = begun.value;
  if (seq !== rest.seq) return refuse("lines_missing");
  const { issuer, available, held, revenue } = readBooks(store);
  const told = rest.balances;
  const isAsTold =
    toNumber(issuer) === told.issuer &&
    toNumber(available) === told.available &&
    toNumber(held) === told.held &&
    toNumber(revenue) === told.revenue;
  if (!isAsTold) return refuse("not_bookable");
  if (rest.owed > 0) store.all("INSERT INTO owed (one, amount) VALUES (1, ?)", [rest.owed]);
  for (const { purse, amount, forgetAt } of rest.spending)
    store.all("INSERT INTO spending (purse, amount, forget_at) VALUES (?, ?, ?)", [
      purse,
      amount,
      forgetAt,
    ]);
  for (const { id, state, credited } of rest.payments)
    store.all("INSERT INTO payments (id, state, credited) VALUES (?, ?, ?)", [id, state, credited]);
  if (rest.creditLine !== null)
    store.all("INSERT INTO credit_line (one, account_id, line, is_told) VALUES (1, ?, ?, ?)", [
      rest.creditLine.accountId,
      rest.creditLine.line,
      rest.creditLine.isTold ? 1 : 0,
    ]);
  for (const { id, text } of rest.alerts)
    store.all("INSERT INTO alerts (id, notice, due_at, attempts) VALUES (?, ?, ?, 0)", [
      id,
      text,
      now,
    ]);
  for (const { id, text } of rest.outbox) putBack(store, id, text, now);
  store.all("UPDATE origin SET is_whole = 1");
  return ok({ seq, isWhole: true });
}

/** What is told twice is known by its id. */
function putBack(store: SqlStore, id: string, event: string, now: number): void {
  store.all("INSERT INTO outbox (id, event, due_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [
    ...[id, event, now],
  ]);
}

/** Says that the ledger is being restored, unless it has lines of its own, or of another restore. */
function begin(
  store: SqlStore,
  { book, timeline, forks, cut }: LedgerOrigin,
): Result<RestoredSoFar, RestoreRefusal> {
  const known = readOrigin(store);
  const seq = readLastSeq(store);
  if (known === undefined) {
    if (seq > 0) return refuse("not_empty");
    store.all(
      "INSERT INTO origin (one, book, timeline, forks, cut, is_whole) VALUES (1, ?, ?, ?, ?, 0)",
      [book, timeline, storedForks.write(forks), cut],
    );
    return ok({ seq, isWhole: false });
  }
  return known.cut === cut && known.book === book
    ? ok({ seq, isWhole: known.isWhole })
    : refuse("not_empty");
}

function booked(balances: Balances, { kind, amount, available }: ExportedLine): Balances | null {
  try {
    const posted = post(balances, { kind, amount: micros(amount) });
    return posted.ok && toNumber(posted.value.available) === available ? posted.value : null;
  } catch (cause) {
    if (cause instanceof RangeError) return null;
    throw cause;
  }
}

function insertLine(store: SqlStore, line: ExportedLine): void {
  const { from, to } = movements[line.kind];
  store.all(
    `INSERT INTO entries (seq, kind, source, target, amount, hold_id, key_id, reference, note, at, available)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      ...[line.seq, line.kind, from, to, line.amount],
      ...[line.holdId, line.keyId, line.reference, line.note, line.at, line.available],
    ],
  );
}

function readBooks(store: SqlStore): Balances {
  const [row] = store.all<Record<keyof Balances, number>>(
    "SELECT issuer, available, held, revenue FROM balances",
  );
  if (row === undefined) throw new Error("the ledger has lost its balances");
  return {
    issuer: micros(row.issuer),
    available: micros(row.available),
    held: micros(row.held),
    revenue: micros(row.revenue),
  };
}
