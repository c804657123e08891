import type { Failure } from "#domain/failure.ts";
import type { Posting } from "#domain/ledger.ts";
import { toNumber } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { readBalances, record } from "./journal.ts";
import type { Given, Grant, Refund } from "./ledger-service.ts";
import { keyCapCounter, returnSpending } from "./limits/spend-caps.ts";
import { rearmLowCreditAlert } from "./low-credit-alert.ts";
import { putOut } from "./outbox.ts";
import { readHold } from "./storage/hold-rows.ts";
import { storedCapCounters } from "./storage/stored-ledger.ts";

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
  rearmLowCreditAlert(store);
  return ok({ isRepeat: false });
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
