import type { Failure } from "#domain/failure.ts";
import type { Balances } from "#domain/ledger.ts";
import { toNumber } from "#domain/micros.ts";
import type { Result } from "#domain/result.ts";
import { migrate } from "../storage/migrations.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { hold, letIn, repeat } from "./admission.ts";
import type {
  ExportedLine,
  LedgerExport,
  LedgerOrigin,
  LedgerRest,
  RestoredBeside,
  RestoredSoFar,
  RestoreRefusal,
} from "./backup/ledger-backup.ts";
import { readExport, readOrigin } from "./backup/read-ledger.ts";
import { writeLines, writeRest } from "./backup/write-ledger.ts";
import { grant, hearPayment, readStanding, refund } from "./credit.ts";
import { readBalances, readBooks, readEntries, type ToldBooks } from "./journal.ts";
import type {
  Called,
  Capture,
  EntryPage,
  EntryQuery,
  Given,
  Grant,
  HeardPayment,
  Held,
  HoldRequest,
  IdempotentRequest,
  LetIn,
  LetInRequest,
  LowCreditAlert,
  Refund,
  RefusedHold,
  Standing,
} from "./ledger-service.ts";
import { forgetPlaces, leavePlace, type PlaceRequest, takePlace } from "./limits/places.ts";
import { forgetWindows } from "./limits/rates.ts";
import { forgetCapCounters } from "./limits/spend-caps.ts";
import {
  createLowCreditAlerts,
  type LowCreditAlerts,
  setLowCreditAlert,
} from "./low-credit-alert.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import {
  type Charged,
  capture,
  release,
  releaseExpired,
  releaseRestored,
  renew,
} from "./settlement.ts";
import { eraseBooks, forgetReply } from "./storage/erase-books.ts";
import { ledgerMigrations } from "./storage/ledger-schema.ts";

/** The books of one account over its store: every operation is one transaction, and none waits for anything. */
export interface LedgerRepository extends Outbox, LowCreditAlerts {
  grant(grant: Grant): Result<Given, Failure>;
  refund(refund: Refund): Result<Given, Failure>;
  hearPayment(payment: HeardPayment): Result<Standing, Failure>;
  standing(): Standing;
  /** Where the books stand, as the metrics tell it. */
  toldStanding(): ToldBooks & { readonly owed: number };
  hold(request: HoldRequest): Result<Held, RefusedHold>;
  letIn(request: LetInRequest): Result<LetIn, RefusedHold>;
  recall(request: IdempotentRequest): Result<Held, RefusedHold> | null;
  renew(holdId: string): void;
  takePlace(place: PlaceRequest): boolean;
  leavePlace(answerId: string): Called;
  capture(capture: Capture): Charged;
  release(holdId: string): Called;
  forgetReply(holdId: string): void;
  erase(): boolean;
  setLowCreditAlert(alert: LowCreditAlert): void;
  balance(): Balances;
  entries(query: EntryQuery): EntryPage;
  /** `ownBook`: what its book is called in the backups unless it was restored. */
  exportLines(after: number, limit: number, ownBook: string): LedgerExport;
  restoreLines(
    origin: LedgerOrigin,
    lines: readonly ExportedLine[],
    beside: RestoredBeside,
  ): Result<RestoredSoFar, RestoreRefusal>;
  restoreRest(origin: LedgerOrigin, rest: LedgerRest): Result<RestoredSoFar, RestoreRefusal>;
  /** Releases holds and forgets replies whose time is over. */
  sweep(): void;
  /** When there will be something to sweep or to send; null when there is nothing to wait for. */
  nextDueAt(): number | null;
}

/** Between two looks for closed holds to forget, which read all holds of a week: no index is paid for with each answer. */
const FORGET_EVERY_MS = 3_600_000;

/** Closed holds are kept to recognise late and repeated captures; none comes after a week. Their entries stay for ever. */
const CLOSED_HOLD_LIFETIME_MS = 7 * 24 * 3_600_000;

/** Opens the books of an account. `now` is the writer's clock; it may jump when the account moves to another machine. */
export function openLedgerRepository(store: SqlStore, now: () => number): LedgerRepository {
  migrate(store, "a ledger", ledgerMigrations);
  let isWhole = readOrigin(store)?.isWhole ?? true;
  const mustBeWhole = (): void => {
    if (!isWhole) throw new Error("the ledger is being restored, and not all of it is there");
  };
  const whole = <Value>(work: () => Value): Value => {
    mustBeWhole();
    return store.transaction(work);
  };
  const restoring = <Value>(work: () => Value): Value => {
    const value = work();
    isWhole = readOrigin(store)?.isWhole ?? true;
    return value;
  };
  const letInOrHold = <Value>(
    work: () => Result<Value, RefusedHold>,
  ): Result<Value, RefusedHold> => {
    mustBeWhole();
    return undoRefusals(store, work);
  };
  let forgottenAt = Number.NEGATIVE_INFINITY;
  return {
    grant: (request) => whole(() => grant(store, request, now())),
    refund: (request) => whole(() => refund(store, request, now())),
    hearPayment: (payment) => whole(() => hearPayment(store, payment, now())),
    standing: () => readStanding(store),
    toldStanding: () => ({ ...readBooks(store), owed: toNumber(readStanding(store).owed) }),
    // A refused hold throws inside its transaction, so that not even the rates it looked at are used.
    hold: (request) => letInOrHold(() => hold(store, request, now())),
    letIn: (request) => letInOrHold(() => letIn(store, request, now())),
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
    forgetReply: (holdId) => whole(() => forgetReply(store, holdId)),
    erase: () => whole(() => eraseBooks(store)),
    setLowCreditAlert: (alert) => whole(() => setLowCreditAlert(store, alert)),
    balance: () => readBalances(store),
    entries: (query) => readEntries(store, query),
    exportLines: (after, limit, ownBook) => readExport(store, after, limit, ownBook),
    restoreLines: (origin, lines, beside) =>
      restoring(() => undoRefusals(store, () => writeLines(store, origin, lines, beside, now()))),
    restoreRest: (origin, rest) =>
      restoring(() => undoRefusals(store, () => restoreRest(store, origin, rest, now()))),
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
}

function undoRefusals<Value, Refusal>(
  store: SqlStore,
  work: () => Result<Value, Refusal>,
): Result<Value, Refusal> {
  let outcome: Result<Value, Refusal> | undefined;
  try {
    return store.transaction(() => {
      outcome = work();
      if (!outcome.ok) throw new RefusedInside();
      return outcome;
    });
  } catch (cause) {
    if (cause instanceof RefusedInside && outcome !== undefined) return outcome;
    throw cause;
  }
}

function restoreRest(
  store: SqlStore,
  origin: LedgerOrigin,
  rest: LedgerRest,
  now: number,
): Result<RestoredSoFar, RestoreRefusal> {
  const isWhole = readOrigin(store)?.isWhole === true;
  const written = writeRest(store, origin, rest, now);
  if (written.ok && !isWhole)
    releaseRestored(store, new Map(rest.open.map(({ id, text }) => [id, text])), now);
  return written;
}

function sweep(store: SqlStore, now: number, forgetsHolds: boolean): void {
  releaseExpired(store, now);
  store.all("DELETE FROM replies WHERE expires_at <= ?", [now]);
  if (forgetsHolds)
    store.all("DELETE FROM holds WHERE state <> 'open' AND expires_at <= ?", [
      now - CLOSED_HOLD_LIFETIME_MS,
    ]);
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
