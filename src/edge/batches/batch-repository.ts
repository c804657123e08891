import { add, least, type Micros, micros, toNumber, ZERO } from "#domain/micros.ts";
import type { WebhookTarget } from "#domain/notice.ts";
import type { BatchBody, BatchResultBody, BatchStatus } from "#wire/api/answers/batches.ts";
import type { AnswerBody, AnswerStatus } from "#wire/api/answers/responses.ts";
import type { Problem } from "#wire/error.ts";
import { storedAnswer, storedProblem } from "../answers/storage/stored-answers.ts";
import type { Owner } from "../keys/viewer.ts";
import { migrate } from "../storage/migrations.ts";
import type { SqlStore } from "../storage/sql-store.ts";
import { batchMigrations } from "./batch-schema.ts";
import { storedBatchTerms } from "./stored-batches.ts";

/** What holds for a batch as a whole. */
export interface BatchTerms {
  readonly id: string;
  readonly accountId: string;
  readonly keyId: string;
  /** The client token or subject that may see it besides the account's keys; null for the keys alone. */
  readonly owner: Owner;
  /** Whose private pool of the cache its items' answers come from and go to. */
  readonly poolOwner: Owner;
  readonly requestId: string;
  readonly traceparent: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** From then on nothing waits any longer. */
  readonly deadlineAt: number;
  readonly quotedMicros: number;
  readonly isRepeatable: boolean;
  readonly webhook: WebhookTarget | null;
  /** Under which its end is told, however often. */
  readonly noticeId: string;
}

/** An item as it is taken on: with its price, or with the reason why it cannot be asked. */
export type NewItem =
  | { readonly customId: string | null; readonly quotedMicros: number; readonly error: null }
  | { readonly customId: string | null; readonly quotedMicros: 0; readonly error: Problem };

/** An item whose answer is being made. */
export interface RunningItem {
  readonly index: number;
  readonly answerId: string;
}

/** What is still to do once all items have ended; each is done until it is known to be. */
export type ClosingStep = "settle" | "index" | "tell";

/** What an ended batch comes to. */
export interface BatchCharge {
  readonly charge: Micros;
  /** Steps that ran. */
  readonly steps: number;
  /** Items that were answered, in whole or in part. */
  readonly answers: number;
}

/** The state of one batch over its store: every operation is one transaction, and none waits for anything. */
export interface BatchRepository {
  /** Takes an item on; the same index again changes nothing. */
  keep(index: number, item: NewItem): void;
  /** From here on the batch is to be made. Again, it changes nothing. */
  begin(terms: BatchTerms): void;
  /** Null before it has begun. */
  terms(): BatchTerms | null;
  body(): BatchBody;
  /** The body as it will be once this is charged. */
  closedBody(charged: Micros): BatchBody;
  /** Results from `from` on, in order. */
  results(from: number, count: number): BatchResultBody[];
  /** Lets the next waiting item run under this answer's id; null where none is due, or enough run. */
  takeNext(answerId: string): RunningItem | null;
  running(): RunningItem[];
  /** Takes the end of an answer in, once. `again`: the item waits for another attempt. `ignored`: of another answer, or no end. */
  end(index: number, body: AnswerBody): "ended" | "again" | "ignored";
  /** Cancels an item whose answer never came to be. */
  abandon(index: number, answerId: string): void;
  /** Cancels what waits. What runs is for the caller to stop. */
  cancel(): void;
  isCancelled(): boolean;
  /** What the ended batch costs, how many steps ran for it and how many of its answers are paid for. */
  charge(): BatchCharge;
  /** First step that is still to do; null where items have not ended, or all is done. */
  closingStep(): ClosingStep | null;
  /** Takes in what was charged in the end. */
  settled(charged: Micros): void;
  indexed(): void;
  told(): void;
  /** When the first item that waits for another attempt is due; null where none does. */
  nextDueAt(): number | null;
}

/** A function makes one answer at a time; more of one batch would only fill its queue and crowd out requests that a person waits for. */
export const MAX_RUNNING_ITEMS = 4;

/** Attempts at an item whose failure may pass, such as a full queue; with the waits between them they outlast a restart. */
export const MAX_ITEM_ATTEMPTS = 4;

/** Wait before the second attempt; doubled for each further one. */
const RETRY_MS = 10_000;

/** Opens the repository of a batch. `now` is the writer's clock. */
export function openBatchRepository(store: SqlStore, now: () => number): BatchRepository {
  migrate(store, "a batch", batchMigrations);
  const whole = <Value>(work: () => Value): Value => store.transaction(work);
  return {
    keep: (index, item) => whole(() => keep(store, index, item)),
    begin: (terms) => whole(() => begin(store, terms, now())),
    terms: () => readTerms(store),
    body: () => bodyOf(store, null),
    closedBody: (charged) => bodyOf(store, toNumber(charged)),
    results: (from, count) => readResults(store, from, count),
    takeNext: (answerId) => whole(() => takeNext(store, answerId, now())),
    running: () =>
      store
        .all<{ place: number; answer_id: string }>(
          "SELECT place, answer_id FROM items WHERE state = 'running' ORDER BY place",
        )
        .map(({ place, answer_id }) => ({ index: place, answerId: answer_id })),
    end: (index, body) => whole(() => end(store, index, body, now())),
    abandon: (index, answerId) => whole(() => abandon(store, index, answerId, now())),
    cancel: () => whole(() => cancel(store, now())),
    isCancelled: () => isCancelled(store),
    charge: () => sumCharges(store),
    closingStep: () => closingStep(store),
    settled: (charged) =>
      void store.all("UPDATE batch SET charged = coalesce(charged, ?)", toNumber(charged)),
    indexed: () => void store.all("UPDATE batch SET is_indexed = 1"),
    told: () => void store.all("UPDATE batch SET is_told = 1"),
    nextDueAt: () =>
      store.all<{ due: number | null }>(
        "SELECT min(due_at) AS due FROM items WHERE state = 'waiting' AND attempts > 0",
      )[0]?.due ?? null,
  };
}

function keep(store: SqlStore, index: number, { customId, quotedMicros, error }: NewItem): void {
  store.all(
    `INSERT INTO items (place, custom_id, quoted, state, outcome, error) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (place) DO NOTHING`,
    ...[index, customId, quotedMicros],
    ...(error === null ? ["waiting", null, null] : ["ended", "failed", storedProblem.write(error)]),
  );
}

function begin(store: SqlStore, terms: BatchTerms, now: number): void {
  store.all(
    "INSERT INTO batch (one, terms) VALUES (1, ?) ON CONFLICT (one) DO NOTHING",
    storedBatchTerms.write(terms),
  );
  endWhenOver(store, now);
}

function readTerms(store: SqlStore): BatchTerms | null {
  const [row] = store.all<{ terms: string }>("SELECT terms FROM batch");
  return row === undefined ? null : storedBatchTerms.read(row.terms);
}

function takeNext(store: SqlStore, answerId: string, now: number): RunningItem | null {
  const terms = readTerms(store);
  if (terms === null) return null;
  if (terms.deadlineAt <= now) cancelWaiting(store, now);
  const [next] = store.all<{ place: number }>(
    `SELECT place FROM items WHERE state = 'waiting' AND due_at <= ?
       AND (SELECT count(*) FROM items WHERE state = 'running') < ? ORDER BY place LIMIT 1`,
    ...[now, MAX_RUNNING_ITEMS],
  );
  if (next === undefined) return null;
  store.all(
    `UPDATE items SET state = 'running', answer_id = ?, attempts = attempts + 1 WHERE place = ?`,
    ...[answerId, next.place],
  );
  return { index: next.place, answerId };
}

function end(
  store: SqlStore,
  index: number,
  body: AnswerBody,
  now: number,
): ReturnType<BatchRepository["end"]> {
  const [item] = store.all<{ quoted: number; attempts: number }>(
    "SELECT quoted, attempts FROM items WHERE place = ? AND state = 'running' AND answer_id = ?",
    ...[index, body.id],
  );
  if (item === undefined || !isEnd(body.status)) return "ignored";
  if (mayRetry(store, body, item.attempts, now)) {
    store.all(
      "UPDATE items SET state = 'waiting', answer_id = NULL, due_at = ? WHERE place = ?",
      ...[now + retryDelayMs(item.attempts), index],
    );
    return "again";
  }
  const charged = least(micros(item.quoted), micros(body.charged_micros));
  // Steps that another answer ran are in its usage.
  const steps = body.cached ? 0 : body.usage.steps;
  store.all(
    `UPDATE items SET state = 'ended', outcome = ?, charged = ?, steps = ?, answer = ?, error = ?
       WHERE place = ?`,
    ...[body.status, toNumber(charged), steps, storedAnswer.write(body)],
    ...[body.error === null ? null : storedProblem.write(body.error), index],
  );
  endWhenOver(store, now);
  return "ended";
}

function isEnd(status: AnswerStatus): boolean {
  return status !== "queued" && status !== "running";
}

/** A full queue or a function that restarts is no fault of the item's. */
function mayRetry(store: SqlStore, body: AnswerBody, attempts: number, now: number): boolean {
  if (body.status !== "failed" || body.error?.retryable !== true) return false;
  const terms = readTerms(store);
  const isWanted = terms !== null && now + retryDelayMs(attempts) < terms.deadlineAt;
  return attempts < MAX_ITEM_ATTEMPTS && isWanted && !isCancelled(store);
}

function retryDelayMs(attempts: number): number {
  return RETRY_MS * 2 ** (attempts - 1);
}

function abandon(store: SqlStore, index: number, answerId: string, now: number): void {
  store.all(
    `UPDATE items SET state = 'ended', outcome = 'cancelled'
       WHERE place = ? AND answer_id = ? AND state = 'running'`,
    ...[index, answerId],
  );
  endWhenOver(store, now);
}

function cancel(store: SqlStore, now: number): void {
  store.all(
    "UPDATE batch SET cancelled_at = ? WHERE cancelled_at IS NULL AND ended_at IS NULL",
    now,
  );
  if (isCancelled(store)) cancelWaiting(store, now);
}

function isCancelled(store: SqlStore): boolean {
  return store.all("SELECT one FROM batch WHERE cancelled_at IS NOT NULL").length > 0;
}

function cancelWaiting(store: SqlStore, now: number): void {
  store.all("UPDATE items SET state = 'ended', outcome = 'cancelled' WHERE state = 'waiting'");
  endWhenOver(store, now);
}

function endWhenOver(store: SqlStore, now: number): void {
  store.all(
    `UPDATE batch SET ended_at = ? WHERE ended_at IS NULL
       AND NOT EXISTS (SELECT place FROM items WHERE state <> 'ended')`,
    now,
  );
}

function sumCharges(store: SqlStore): BatchCharge {
  const rows = store.all<{ charged: number; steps: number; is_paid: number }>(
    "SELECT charged, steps, outcome IN ('completed', 'partial') AS is_paid FROM items",
  );
  return rows.reduce<BatchCharge>(
    (sum, { charged, steps, is_paid }) => ({
      charge: add(sum.charge, micros(charged)),
      steps: sum.steps + steps,
      answers: sum.answers + is_paid,
    }),
    { charge: ZERO, steps: 0, answers: 0 },
  );
}

interface BatchRow extends Record<string, string | number | null> {
  readonly terms: string;
  readonly cancelled_at: number | null;
  readonly ended_at: number | null;
  readonly charged: number | null;
  readonly is_indexed: number;
  readonly is_told: number;
}

function closingStep(store: SqlStore): ClosingStep | null {
  const [row] = store.all<BatchRow>("SELECT * FROM batch WHERE ended_at IS NOT NULL");
  if (row === undefined) return null;
  if (row.charged === null) return "settle";
  if (row.is_indexed === 0) return "index";
  return row.is_told === 0 ? "tell" : null;
}

/** Nothing reads as ended before it is paid: the sum it tells is then the one that was charged. */
function bodyOf(store: SqlStore, closing: number | null): BatchBody {
  const [row] = store.all<BatchRow>("SELECT * FROM batch");
  const [tally] = store.all<Record<"total" | "begun" | Outcome, number>>(
    `SELECT count(*) AS total, coalesce(sum(attempts > 0), 0) AS begun,
       ${outcomes.map((one) => `coalesce(sum(outcome = '${one}'), 0) AS ${one}`).join(", ")} FROM items`,
  );
  if (row === undefined || tally === undefined) throw new Error("this batch has not begun");
  const { id, quotedMicros, createdAt } = storedBatchTerms.read(row.terms);
  const charged = row.charged ?? closing;
  const isOver = row.ended_at !== null && charged !== null;
  const { total, completed, partial, failed, cancelled } = tally;
  return {
    id,
    object: "batch",
    status: isOver ? endOf(row) : tally.begun > 0 || row.ended_at !== null ? "running" : "queued",
    counts: { total, completed, partial, failed, cancelled },
    quoted_micros: quotedMicros,
    charged_micros: isOver ? charged : 0,
    created_at: new Date(createdAt).toISOString(),
    ended_at: isOver && row.ended_at !== null ? new Date(row.ended_at).toISOString() : null,
  };
}

type Outcome = "completed" | "partial" | "failed" | "cancelled";
const outcomes: readonly Outcome[] = ["completed", "partial", "failed", "cancelled"];

function endOf({ cancelled_at: cancelledAt }: BatchRow): BatchStatus {
  return cancelledAt === null ? "completed" : "cancelled";
}

interface ResultRow extends Record<string, string | number | null> {
  readonly place: number;
  readonly custom_id: string | null;
  readonly state: "waiting" | "running" | "ended";
  readonly outcome: Outcome | null;
  readonly answer: string | null;
  readonly error: string | null;
}

function readResults(store: SqlStore, from: number, count: number): BatchResultBody[] {
  return store
    .all<ResultRow>(
      `SELECT place, custom_id, state, outcome, answer, error FROM items
         WHERE place >= ? ORDER BY place LIMIT ?`,
      ...[from, count],
    )
    .map(({ place, custom_id, state, outcome, answer, error }) => ({
      custom_id,
      index: place,
      status: outcome ?? (state === "running" ? "running" : "queued"),
      answer: answer === null ? null : storedAnswer.read(answer),
      error: error === null ? null : storedProblem.read(error),
    }));
}
