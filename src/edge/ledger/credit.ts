import type { Failure } from "#domain/failure.ts";
import type { Posting } from "#domain/ledger.ts";
import { add, least, type Micros, micros, subtract, toNumber, ZERO } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { creditOf, heard, UNHEARD } from "#domain/top-up.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { type PostingDetails, readBalances, record } from "./journal.ts";
import type { Given, Grant, HeardPayment, Refund, Standing } from "./ledger-service.ts";
import { keyCapCounter, returnSpending } from "./limits/spend-caps.ts";
import { alertLowCredit, rearmLowCreditAlert } from "./low-credit-alert.ts";
import { putOut } from "./outbox.ts";
import { readHold } from "./storage/hold-rows.ts";
import { storedCapCounters, storedPayment } from "./storage/stored-ledger.ts";

/** Gives credit, once per id. Stands in a transaction. */
export function grant(
  store: SqlStore,
  { grantId, amount, note }: Grant,
  now: number,
): Result<Given, Failure> {
  const earlier = earlierEntry(store, grantId, { kind: "grant", amount }, null);
  if (earlier !== null) return earlier;
  const { issuer } = readBalances(store);
  // All books are bounded by what was ever issued, so this one check keeps every amount countable.
  if (amount <= 0n || amount - issuer > BigInt(Number.MAX_SAFE_INTEGER))
    return refuseAmount("must be above 0 and small enough to be counted in all");
  const details = { reference: grantId, note, at: now };
  record(store, { kind: "grant", amount }, details);
  collectOwed(store, now);
  rearmLowCreditAlert(store);
  return ok({ isRepeat: false });
}

/** Gives back what an answer was charged or a part of it, once per id. Stands in a transaction. */
export function refund(store: SqlStore, request: Refund, now: number): Result<Given, Failure> {
  const { refundId, holdId, amount, note } = request;
  const earlier = earlierEntry(store, refundId, { kind: "refund", amount }, holdId);
  if (earlier !== null) return earlier;
  const { kept, keyId } = stillPaid(store, holdId);
  if (amount <= 0n || amount > BigInt(kept))
    return refuseAmount(`must be above 0 and at most the ${kept} that the answer still costs`);
  const details = { holdId, keyId, reference: refundId, note, at: now };
  record(store, { kind: "refund", amount }, details);
  store.all("UPDATE holds SET refunded = refunded + ? WHERE id = ?", [toNumber(amount), holdId]);
  takeBack(store, request, keyId, now);
  collectOwed(store, now);
  rearmLowCreditAlert(store);
  return ok({ isRepeat: false });
}

/**
 * Gives back what an answer still costs that was lost with its ledger's restore and is asked for again, so that it is paid once.
 * Stands in the transaction of its new hold.
 */
export function giveBackLost(
  store: SqlStore,
  accountId: string,
  holdId: string,
  now: number,
): void {
  const { kept } = stillPaid(store, holdId);
  if (kept <= 0) return;
  const note = "its answer was lost before a restore, and is asked for again";
  // No chosen id of a refund has a colon.
  const given = { refundId: `lost:${holdId}`, accountId, holdId, amount: micros(kept), note };
  const refunded = refund(store, given, now);
  if (!refunded.ok) throw new Error(`what ${holdId} cost could not be given back`);
}

/** Brings the credit to what a payment is worth, now that more is known of it. Stands in a transaction. */
export function hearPayment(
  store: SqlStore,
  { paymentId, word, eventId }: HeardPayment,
  now: number,
): Result<Standing, Failure> {
  const [row] = store.all<{ state: string; credited: number }>(
    "SELECT state, credited FROM payments WHERE id = ?",
    [paymentId],
  );
  const state = heard(row === undefined ? UNHEARD : storedPayment.read(row.state), word);
  const [worth, credited] = [creditOf(state), micros(row?.credited ?? 0)];
  const { issuer } = readBalances(store);
  if (worth - credited - issuer > BigInt(Number.MAX_SAFE_INTEGER))
    return refuseAmount("must be small enough to be counted in all");
  store.all(
    `INSERT INTO payments (id, state, credited) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, credited = excluded.credited`,
    [paymentId, storedPayment.write(state), toNumber(worth)],
  );
  if (worth > credited) {
    const details = { reference: eventId, note: `paid: ${paymentId}`, at: now };
    record(store, { kind: "grant", amount: subtract(worth, credited) }, details);
  }
  if (worth < credited) setOwed(store, add(readOwed(store), subtract(credited, worth)));
  collectOwed(store, now, { reference: eventId, note: `taken back: ${paymentId}` });
  rearmLowCreditAlert(store);
  return ok(readStanding(store));
}

/**
 * Takes what is owed out of what is available, as far as that reaches: after it nothing is owed, or nothing is available.
 * So what an account has does not depend on when it was told of what. Stands in the transaction that made credit available.
 */
export function collectOwed(
  store: SqlStore,
  now: number,
  { reference, note }: Pick<PostingDetails, "reference" | "note"> = {},
): void {
  const owed = readOwed(store);
  if (owed === ZERO) return;
  const amount = least(owed, readBalances(store).available);
  if (amount === ZERO) return;
  const details = { note: note ?? "owed for payments that were taken back", at: now };
  const isNamed = reference !== undefined && !isReference(store, reference);
  record(store, { kind: "withdraw", amount }, isNamed ? { ...details, reference } : details);
  setOwed(store, subtract(owed, amount));
  alertLowCredit(store, now);
}

/** Reads where the account stands. */
export function readStanding(store: SqlStore): Standing {
  return { balances: readBalances(store), owed: readOwed(store) };
}

function readOwed(store: SqlStore): Micros {
  return micros(store.all<{ amount: number }>("SELECT amount FROM owed")[0]?.amount ?? 0);
}

function setOwed(store: SqlStore, amount: Micros): void {
  store.all(
    "INSERT INTO owed (one, amount) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET amount = excluded.amount",
    [toNumber(amount)],
  );
}

/** No two entries have one reference: a grant that pays what is owed has it already. */
function isReference(store: SqlStore, reference: string): boolean {
  return store.all("SELECT 1 FROM entries WHERE reference = ?", [reference]).length > 0;
}

/**
 * What an answer still costs, and which key asked. Closed holds are forgotten after a week; then the journal is read from
 * its beginning: an index by hold would cost a row written for each answer, and so old an answer is rarely given back.
 */
function stillPaid(
  store: SqlStore,
  holdId: string,
): { readonly kept: number; readonly keyId: string | null } {
  const row = readHold(store, holdId);
  if (row !== undefined) return { kept: row.charged - row.refunded, keyId: row.key_id };
  const [paid] = store.all<{ kept: number | null; key_id: string | null }>(
    `SELECT sum(CASE kind WHEN 'capture' THEN amount WHEN 'refund' THEN -amount ELSE 0 END) AS kept,
       max(key_id) AS key_id FROM entries WHERE hold_id = ?`,
    [holdId],
  );
  return { kept: paid?.kept ?? 0, keyId: paid?.key_id ?? null };
}

/** What was charged and is given back has not been spent nor used: it leaves the counters and the usage copy too. */
function takeBack(store: SqlStore, refund: Refund, keyId: string | null, now: number): void {
  const { refundId, accountId: account, holdId, amount } = refund;
  returnSpending(store, capCountersOfCharge(store, holdId, keyId), amount);
  const micros = toNumber(amount);
  putOut(store, { id: `${account} ${refundId}`, account, refund_of: holdId, micros, at: now }, now);
}

/** Where the hold is forgotten the journal still tells the day that the charge was spent from. */
function capCountersOfCharge(
  store: SqlStore,
  holdId: string,
  keyId: string | null,
): readonly string[] {
  const row = readHold(store, holdId);
  if (row !== undefined) return storedCapCounters.read(row.spending);
  const [entry] = store.all<{ at: number }>(
    "SELECT at FROM entries WHERE hold_id = ? AND kind = 'hold'",
    [holdId],
  );
  return entry === undefined || keyId === null ? [] : [keyCapCounter(keyId, entry.at)];
}

/** What a reference that was used before is told: the same entry stands, another is refused. Null if it is new. */
function earlierEntry(
  store: SqlStore,
  reference: string,
  { kind, amount }: Posting,
  holdId: string | null,
): Result<Given, Failure> | null {
  const [known] = store.all<{ kind: string; amount: number; hold_id: string | null }>(
    "SELECT kind, amount, hold_id FROM entries WHERE reference = ?",
    [reference],
  );
  if (known === undefined) return null;
  const isSame =
    known.kind === kind && known.amount === toNumber(amount) && known.hold_id === holdId;
  return isSame ? ok({ isRepeat: true }) : refuse({ kind: "already_exists", id: reference });
}

function refuseAmount(message: string): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: [{ pointer: "/amount_micros", message }] });
}
