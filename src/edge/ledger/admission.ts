import type { Failure } from "#domain/failure.ts";
import { post } from "#domain/ledger.ts";
import type { Allowance } from "#domain/limits.ts";
import { toNumber, ZERO } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { giveBackLost } from "./credit.ts";
import { readBalances, record } from "./journal.ts";
import type {
  Held,
  HoldRequest,
  IdempotentRequest,
  LetIn,
  LetInRequest,
  RefusedHold,
} from "./ledger-service.ts";
import { crowded } from "./limits/concurrency.ts";
import { hasFreePlace, takePlace } from "./limits/places.ts";
import { takeRates } from "./limits/rates.ts";
import { hasSpending, takeSpending } from "./limits/spend-caps.ts";
import { alertLowCredit } from "./low-credit-alert.ts";
import { releaseExpired } from "./settlement.ts";
import { HOLD_LIFETIME_MS } from "./storage/hold-rows.ts";
import { storedCapCounters } from "./storage/stored-ledger.ts";

/** Lets a request in whose price is not known yet. Stands in a transaction that a refusal undoes. */
export function letIn(
  store: SqlStore,
  request: LetInRequest,
  now: number,
): Result<LetIn, RefusedHold> {
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

/** Lets an answer in and sets its price aside. Stands in a transaction that a refusal undoes. */
export function hold(
  store: SqlStore,
  request: HoldRequest,
  now: number,
): Result<Held, RefusedHold> {
  const { holdId, keyId, amount, maximum } = request;
  releaseExpired(store, now);
  const earlier = request.idempotency === null ? null : repeat(store, request.idempotency, holdId);
  if (earlier !== null) return earlier;
  const [same] = store.all<{ has_place: number }>("SELECT has_place FROM holds WHERE id = ?", [
    holdId,
  ]);
  if (same !== undefined)
    return ok({ kind: "held", allowances: [], hasPlace: same.has_place === 1 });
  if (maximum !== null && amount > maximum)
    return refuseHold({
      kind: "price_above_maximum",
      priceMicros: toNumber(amount),
      maximumMicros: toNumber(maximum),
    });
  if (request.idempotency !== null) forgetLost(store, request, request.idempotency.scope, now);
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
    [
      holdId,
      request.accountId,
      keyId,
      request.model,
      toNumber(amount),
      now,
      now + HOLD_LIFETIME_MS,
      storedCapCounters.write(counters.value),
      subject?.owner ?? null,
      isShared ? 1 : 0,
      hasPlace ? 1 : 0,
    ],
  );
  // Stands in line from now on, although it asks later.
  if (share !== null && !isShared && !hasPlace)
    takePlace(store, { id: holdId, share, isWorking: false }, now);
  if (request.idempotency !== null)
    store.all("INSERT INTO replies (scope, fingerprint, hold_id) VALUES (?, ?, ?)", [
      request.idempotency.scope,
      request.idempotency.fingerprint,
      holdId,
    ]);
  alertLowCredit(store, now);
  return ok({ kind: "held", allowances: allowances.value, hasPlace });
}

function refuseHold(
  failure: Failure,
  allowances: readonly Allowance[] = [],
): Result<never, RefusedHold> {
  return refuse({ failure, allowances });
}

/** A request whose reply was lost with a restore runs anew: its first charge is given back, in the transaction that holds the next. */
function forgetLost(store: SqlStore, { accountId }: HoldRequest, scope: string, now: number): void {
  const [lost] = store.all<{ hold_id: string }>(
    "DELETE FROM replies WHERE scope = ? AND is_lost = 1 RETURNING hold_id",
    [scope],
  );
  if (lost !== undefined) giveBackLost(store, accountId, lost.hold_id, now);
}

/** What a request that was seen before is told; null if it is new. A hold that is asked for again is no retry of a caller. */
export function repeat(
  store: SqlStore,
  { scope, fingerprint }: IdempotentRequest,
  holdId: string | null,
): Result<Held, RefusedHold> | null {
  const [known] = store.all<{
    fingerprint: string;
    hold_id: string;
    reply: string | null;
    is_lost: number;
  }>("SELECT fingerprint, hold_id, reply, is_lost FROM replies WHERE scope = ?", [scope]);
  if (known === undefined) return null;
  if (known.fingerprint !== fingerprint) return refuseHold({ kind: "idempotency_mismatch" });
  if (known.is_lost === 1) return null;
  if (known.reply !== null) return ok({ kind: "replay", reply: known.reply });
  return known.hold_id === holdId ? null : refuseHold({ kind: "idempotency_in_progress" });
}
