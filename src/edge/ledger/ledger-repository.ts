import type { Failure } from "#domain/failure.ts";
import { type Balances, closing, type Posting, post } from "#domain/ledger.ts";
import type { Allowance } from "#domain/limits.ts";
import { type Micros, micros, subtract, toNumber, ZERO } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { ChargeEvent } from "#wire/function/usage-event.ts";
import { migrate } from "../storage/migrations.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { grant, refund } from "./credit.ts";
import { type HoldRow, readHold } from "./hold-rows.ts";
import { type PostingDetails, readBalances, readEntries, record } from "./journal.ts";
import { ledgerMigrations } from "./ledger-schema.ts";
import type {
  Called,
  Capture,
  Captured,
  EntryPage,
  EntryQuery,
  Given,
  Grant,
  Held,
  HoldRequest,
  IdempotentRequest,
  LetIn,
  LetInRequest,
  LowCreditAlert,
  Refund,
  RefusedHold,
} from "./ledger-service.ts";
import {
  forgetPlaces,
  hasFreePlace,
  leavePlace,
  type PlaceRequest,
  renewPlace,
  takePlace,
} from "./limits/places.ts";
import { forgetWindows, takeRates } from "./limits/rates.ts";
import {
  forgetCapCounters,
  hasSpending,
  returnSpending,
  takeSpending,
} from "./limits/spend-caps.ts";
import {
  alertLowCredit,
  createLowCreditAlerts,
  type LowCreditAlerts,
  setLowCreditAlert,
} from "./low-credit-alert.ts";
import { createOutbox, type Outbox, putOut } from "./outbox.ts";
import { storedCapCounters } from "./stored-ledger.ts";

/** The books of one account over its store: every operation is one transaction, and none waits for anything. */
export interface LedgerRepository extends Outbox, LowCreditAlerts {
  grant(grant: Grant): Result<Given, Failure>;
  refund(refund: Refund): Result<Given, Failure>;
  hold(request: HoldRequest): Result<Held, RefusedHold>;
  letIn(request: LetInRequest): Result<LetIn, RefusedHold>;
  recall(request: IdempotentRequest): Result<Held, RefusedHold> | null;
  renew(holdId: string): void;
  takePlace(place: PlaceRequest): boolean;
  leavePlace(answerId: string): Called;
  capture(capture: Capture): Charged;
  release(holdId: string): Called;
  setLowCreditAlert(alert: LowCreditAlert): void;
  balance(): Balances;
  entries(query: EntryQuery): EntryPage;
  /** Releases holds and forgets replies whose time is over. */
  sweep(): void;
  /** When there will be something to sweep or to send; null when there is nothing to wait for. */
  nextDueAt(): number | null;
}

/** What became of a capture. */
export interface Charged extends Captured {
  /** What is told of the charge elsewhere; null where this call was a repeated or a late one, and charged nothing. */
  readonly usage: ChargeEvent | null;
}

/**
 * How long a hold stands after its last sign of life: three renewals of a live edge, of which two may be lost. Until then
 * a retry of a request whose Worker died is told to wait.
 */
export const HOLD_LIFETIME_MS: number = 3 * 60_000;

/**
 * The most that renewals make of it. Threat: a connection that the client never closes keeps credit and a place among the
 * concurrent. A day is what a reply is kept for; 512 steps of an 8B model without a GPU, at 96 s for 600 positions, take
 * 14 hours.
 */
export const MAX_HOLD_LIFETIME_MS: number = 24 * 3_600_000;

/** How long a reply is kept for a client that repeats its request. Source: infra/docs/facts.md#replies-kept-for-an-idempotency-key. */
export const REPLY_LIFETIME_MS: number = 24 * 3_600_000;

/** Between two looks for closed holds to forget, which read all holds of a week: no index is paid for with each answer. */
const FORGET_EVERY_MS = 3_600_000;

/** Closed holds are kept to recognise late and repeated captures; none comes after a week. Their entries stay for ever. */
const CLOSED_HOLD_LIFETIME_MS = 7 * 24 * 3_600_000;

/** Opens the books of an account. `now` is the writer's clock; it may jump when the account moves to another machine. */
export function openLedgerRepository(store: SqlStore, now: () => number): LedgerRepository {
  migrate(store, "a ledger", ledgerMigrations);
  const whole = <Value>(work: () => Value): Value => store.transaction(work);
  let forgottenAt = Number.NEGATIVE_INFINITY;
  return {
    grant: (request) => whole(() => grant(store, request, now())),
    refund: (request) => whole(() => refund(store, request, now())),
    // A refused hold throws inside its transaction, so that not even the rates it looked at are used.
    hold: (request) => undoRefusals(store, () => hold(store, request, now())),
    letIn: (request) => undoRefusals(store, () => letIn(store, request, now())),
    recall: (request) =>
      whole(() => {
        releaseExpired(store, now());
        return repeat(store, request, null);
      }),
    renew: (holdId) => whole(() => renew(store, holdId, now())),
    takePlace: (place) => whole(() => takePlace(store, place, now())),
    leavePlace: (answerId) => whole(() => ({ called: leavePlace(store, answerId) })),
    capture: (request) => whole(() => capture(store, request, now())),
    release: (holdId) => whole(() => release(store, holdId, now())),
    setLowCreditAlert: (alert) => whole(() => setLowCreditAlert(store, alert)),
    balance: () => readBalances(store),
    entries: (query) => readEntries(store, query),
    sweep: () => {
      const at = now();
      const isDue = Math.abs(at - forgottenAt) >= FORGET_EVERY_MS;
      if (isDue) forgottenAt = at;
      whole(() => sweep(store, at, isDue));
    },
    nextDueAt: () => nextDueAt(store),
    ...createOutbox(store, now),
    ...createLowCreditAlerts(store, now),
  };
}

class RefusedInside extends Error {
  override readonly name = "RefusedInside";
  readonly refusal: RefusedHold;

  constructor(refusal: RefusedHold) {
    super(refusal.failure.kind);
    this.refusal = refusal;
  }
}

function undoRefusals<Value>(
  store: SqlStore,
  work: () => Result<Value, RefusedHold>,
): Result<Value, RefusedHold> {
  try {
    return store.transaction(() => {
      const held = work();
      if (!held.ok) throw new RefusedInside(held.refusal);
      return held;
    });
  } catch (cause) {
    if (cause instanceof RefusedInside) return refuse(cause.refusal);
    throw cause;
  }
}

function letIn(store: SqlStore, request: LetInRequest, now: number): Result<LetIn, RefusedHold> {
  releaseExpired(store, now);
  const earlier = request.idempotency === null ? null : repeat(store, request.idempotency, null);
  if (earlier?.ok === false) return earlier;
  if (earlier?.value.kind === "replay") return ok(earlier.value);
  const allowances = takeRates(store, request, now);
  if (!allowances.ok) return allowances;
  const refusal =
    crowded(store, { ...request, isShared: false }) ??
    refusalOf(hasSpending(store, request, now)) ??
    refusalOf(post(readBalances(store), { kind: "hold", amount: request.amount }));
  return refusal === null
    ? ok({ kind: "new", allowances: allowances.value })
    : refuseHold(refusal, allowances.value);
}

function refusalOf(result: Result<unknown, Failure>): Failure | null {
  return result.ok ? null : result.refusal;
}

function hold(store: SqlStore, request: HoldRequest, now: number): Result<Held, RefusedHold> {
  const { holdId, keyId, amount, maximum } = request;
  releaseExpired(store, now);
  const earlier = request.idempotency === null ? null : repeat(store, request.idempotency, holdId);
  if (earlier !== null) return earlier;
  const [same] = store.all<{ has_place: number }>(
    "SELECT has_place FROM holds WHERE id = ?",
    holdId,
  );
  if (same !== undefined)
    return ok({ kind: "held", allowances: [], hasPlace: same.has_place === 1 });
  if (maximum !== null && amount > maximum)
    return refuseHold({
      kind: "price_above_maximum",
      priceMicros: toNumber(amount),
      maximumMicros: toNumber(maximum),
    });
  const allowances = request.isRated ? ok([]) : takeRates(store, request, now);
  if (!allowances.ok) return allowances;
  const refusal = crowded(store, request);
  if (refusal !== null) return refuseHold(refusal, allowances.value);
  const counters = takeSpending(store, request, now);
  if (!counters.ok) return refuseHold(counters.refusal, allowances.value);
  const posted = post(readBalances(store), { kind: "hold", amount });
  if (!posted.ok) return refuseHold(posted.refusal, allowances.value);
  // What is free is held to be recognised again; no money moves, so the journal has nothing to say.
  if (amount > ZERO) record(store, { kind: "hold", amount }, { holdId, keyId, at: now });
  const { share, isShared, subject } = request;
  const hasPlace = share !== null && !isShared && hasFreePlace(store, share);
  store.all(
    `INSERT INTO holds (id, account_id, key_id, model, amount, opened_at, expires_at, state,
       charged, spending, owner, is_shared, has_place)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'open', 0, ?, ?, ?, ?)`,
    ...[holdId, request.accountId, keyId, request.model, toNumber(amount)],
    ...[now, now + HOLD_LIFETIME_MS, storedCapCounters.write(counters.value)],
    ...[subject?.owner ?? null, isShared ? 1 : 0, hasPlace ? 1 : 0],
  );
  // Stands in line from now on, although it asks later.
  if (share !== null && !isShared && !hasPlace)
    takePlace(store, { id: holdId, share, isWorking: false }, now);
  if (request.idempotency !== null)
    store.all(
      "INSERT INTO replies (scope, fingerprint, hold_id) VALUES (?, ?, ?)",
      ...[request.idempotency.scope, request.idempotency.fingerprint, holdId],
    );
  alertLowCredit(store, now);
  return ok({ kind: "held", allowances: allowances.value, hasPlace });
}

function refuseHold(
  failure: Failure,
  allowances: readonly Allowance[] = [],
): Result<never, RefusedHold> {
  return refuse({ failure, allowances });
}

/** What a request that was seen before is told; null if it is new. A hold that is asked for again is no retry of a caller. */
function repeat(
  store: SqlStore,
  { scope, fingerprint }: IdempotentRequest,
  holdId: string | null,
): Result<Held, RefusedHold> | null {
  const [known] = store.all<{ fingerprint: string; hold_id: string; reply: string | null }>(
    "SELECT fingerprint, hold_id, reply FROM replies WHERE scope = ?",
    scope,
  );
  if (known === undefined) return null;
  if (known.fingerprint !== fingerprint) return refuseHold({ kind: "idempotency_mismatch" });
  if (known.reply !== null) return ok({ kind: "replay", reply: known.reply });
  return known.hold_id === holdId ? null : refuseHold({ kind: "idempotency_in_progress" });
}

function crowded(
  store: SqlStore,
  request: Pick<HoldRequest, "keyId" | "keyLimits" | "accountLimits" | "isShared">,
): Failure | null {
  const { keyId, keyLimits, accountLimits, isShared } = request;
  if (isShared) return null;
  const [open] = store.all<{ ofKey: number; ofAccount: number }>(
    `SELECT count(*) AS ofAccount, coalesce(sum(key_id = ?), 0) AS ofKey
       FROM holds WHERE state = 'open' AND is_shared = 0`,
    keyId,
  );
  if (open === undefined) throw new Error("counting the open holds gave no row");
  if (open.ofKey >= keyLimits.concurrent)
    return { kind: "too_many_concurrent", limit: keyLimits.concurrent };
  if (open.ofAccount >= accountLimits.concurrent)
    return { kind: "too_many_concurrent", limit: accountLimits.concurrent };
  return null;
}

/** Never shortens: the clock may have been set back. */
function renew(store: SqlStore, holdId: string, now: number): void {
  store.all(
    `UPDATE holds SET expires_at = max(expires_at, min(?, opened_at + ?))
       WHERE id = ? AND state = 'open'`,
    ...[now + HOLD_LIFETIME_MS, MAX_HOLD_LIFETIME_MS, holdId],
  );
  renewPlace(store, holdId, now);
}

function capture(store: SqlStore, request: Capture, now: number): Charged {
  const row = readHold(store, request.holdId);
  // Gone for a week, expired, released, or captured by the first of two calls: nothing is charged twice or too late.
  if (row?.state !== "open")
    return { charged: row === undefined ? ZERO : micros(row.charged), usage: null, called: [] };
  const charged = close(store, row, request.charge, now);
  if (request.reply === null) store.all("DELETE FROM replies WHERE hold_id = ?", row.id);
  else
    store.all(
      "UPDATE replies SET reply = ?, expires_at = ? WHERE hold_id = ?",
      ...[request.reply, now + REPLY_LIFETIME_MS, row.id],
    );
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
  };
  putOut(store, usage, now);
  alertLowCredit(store, now);
  return { charged, usage, called: leavePlace(store, row.id) };
}

function release(store: SqlStore, holdId: string, now: number): Called {
  const row = readHold(store, holdId);
  if (row?.state !== "open") return { called: [] };
  close(store, row, ZERO, now);
  store.all("DELETE FROM replies WHERE hold_id = ?", holdId);
  return { called: leavePlace(store, holdId) };
}

/** Closes an open hold with its charge, and gives the counters it was spent from what was not charged. */
function close(store: SqlStore, row: HoldRow, charge: Micros, now: number): Micros {
  const held = micros(row.amount);
  const details: PostingDetails = { holdId: row.id, keyId: row.key_id, at: now };
  const postings: readonly Posting[] = closing(held, charge);
  for (const posting of postings) record(store, posting, details);
  const charged = postings.find(({ kind }) => kind === "capture")?.amount ?? ZERO;
  returnSpending(store, storedCapCounters.read(row.spending), subtract(held, charged));
  store.all(
    "UPDATE holds SET state = ?, charged = ? WHERE id = ?",
    ...[charge > 0n ? "captured" : "released", toNumber(charged), row.id],
  );
  return charged;
}

function releaseExpired(store: SqlStore, now: number): void {
  const expired = store.all<{ id: string }>(
    "SELECT id FROM holds WHERE state = 'open' AND expires_at <= ?",
    now,
  );
  for (const { id } of expired) release(store, id, now);
}

function sweep(store: SqlStore, now: number, forgetsHolds: boolean): void {
  releaseExpired(store, now);
  store.all("DELETE FROM replies WHERE expires_at <= ?", now);
  if (forgetsHolds)
    store.all(
      "DELETE FROM holds WHERE state <> 'open' AND expires_at <= ?",
      now - CLOSED_HOLD_LIFETIME_MS,
    );
  forgetWindows(store, now);
  forgetCapCounters(store, now);
  forgetPlaces(store, now);
}

function nextDueAt(store: SqlStore): number | null {
  const [row] = store.all<{ due: number | null }>(
    `SELECT min(due) AS due FROM (
       SELECT min(expires_at) AS due FROM holds WHERE state = 'open'
       UNION ALL SELECT min(expires_at) FROM replies
       UNION ALL SELECT min(due_at) FROM outbox
       UNION ALL SELECT min(due_at) FROM alerts)`,
  );
  return row?.due ?? null;
}
