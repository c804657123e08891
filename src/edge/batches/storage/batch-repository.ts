import { add, type Micros, micros, toNumber, ZERO } from "#domain/micros.ts";
import type { BatchBody, BatchResultBody } from "#wire/api/answers/batches.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { ItemFate } from "../../answers/making/completion-outbox.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { bodyOf, readResults } from "./batch-body.ts";
import {
  abandonItem,
  answersBehind,
  cancelWaiting,
  endItem,
  forgetWords,
  isRunning,
  keepItem,
  type NewItem,
  nextItemDueAt,
  type RunningItem,
  readRunning,
  takeNext,
} from "./batch-items.ts";
import { type BatchRow, endWhenOver, isCancelled, isDeleted, readTerms } from "./batch-row.ts";
import { batchMigrations } from "./batch-schema.ts";
import { type BatchTerms, storedBatchTerms } from "./stored-batches.ts";

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
  /** Whether an item runs under this answer's id: it may have been cancelled. */
  isRunning(item: RunningItem): boolean;
  /** Takes the end of an answer in, once. */
  end(index: number, body: AnswerBody): ItemFate;
  /** Cancels an item whose answer never came to be. */
  abandon(index: number, answerId: string): void;
  /** Cancels what waits. What runs is for the caller to stop. */
  cancel(): void;
  isCancelled(): boolean;
  /** Forgets the words of an item's answer, which was deleted by itself. */
  forgetWords(index: number, answerId: string): void;
  /** Deletes all words of it; again, it changes nothing. What lies elsewhere is for the caller to delete. */
  delete(): void;
  isDeleted(): boolean;
  /** Answers that were made for its items, in their order, behind one of them. */
  answersBehind(after: string, count: number): readonly string[];
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

/** Opens the repository of a batch. `now` is the writer's clock. */
export function openBatchRepository(store: SqlStore, now: () => number): BatchRepository {
  migrate(store, "a batch", batchMigrations);
  const whole = <Value>(work: () => Value): Value => store.transaction(work);
  return {
    keep: (index, item) => whole(() => keepItem(store, index, item)),
    begin: (terms) => whole(() => begin(store, terms, now())),
    terms: () => readTerms(store),
    body: () => bodyOf(store, null),
    closedBody: (charged) => bodyOf(store, toNumber(charged)),
    results: (from, count) => readResults(store, from, count),
    takeNext: (answerId) => whole(() => takeNext(store, answerId, now())),
    running: () => readRunning(store),
    isRunning: (item) => isRunning(store, item),
    end: (index, body) => whole(() => endItem(store, index, body, now())),
    abandon: (index, answerId) => whole(() => abandonItem(store, index, answerId, now())),
    cancel: () => whole(() => cancel(store, now())),
    isCancelled: () => isCancelled(store),
    forgetWords: (index, answerId) => whole(() => forgetWords(store, index, answerId)),
    delete: () =>
      whole(() => {
        store.all("UPDATE items SET answer = NULL, error = NULL, custom_id = NULL");
        store.all("UPDATE batch SET deleted_at = coalesce(deleted_at, ?)", [now()]);
      }),
    isDeleted: () => isDeleted(store),
    answersBehind: (after, count) => answersBehind(store, after, count),
    charge: () => sumCharges(store),
    closingStep: () => closingStep(store),
    settled: (charged) =>
      void store.all("UPDATE batch SET charged = coalesce(charged, ?)", [toNumber(charged)]),
    indexed: () => void store.all("UPDATE batch SET is_indexed = 1"),
    told: () => void store.all("UPDATE batch SET is_told = 1"),
    nextDueAt: () => nextItemDueAt(store),
  };
}

function begin(store: SqlStore, terms: BatchTerms, now: number): void {
  store.all("INSERT INTO batch (one, terms) VALUES (1, ?) ON CONFLICT (one) DO NOTHING", [
    storedBatchTerms.write(terms),
  ]);
  endWhenOver(store, now);
}

function cancel(store: SqlStore, now: number): void {
  store.all("UPDATE batch SET cancelled_at = ? WHERE cancelled_at IS NULL AND ended_at IS NULL", [
    now,
  ]);
  if (isCancelled(store)) cancelWaiting(store, now);
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

function closingStep(store: SqlStore): ClosingStep | null {
  const [row] = store.all<BatchRow>("SELECT * FROM batch WHERE ended_at IS NOT NULL");
  if (row === undefined) return null;
  if (row.charged === null) return "settle";
  if (row.is_indexed === 0) return "index";
  return row.is_told === 0 ? "tell" : null;
}
