import { least, micros, toNumber } from "#domain/micros.ts";
import type { AnswerBody, AnswerStatus } from "#wire/api/answers/responses.ts";
import type { Problem } from "#wire/error.ts";
import type { ItemFate } from "../../answers/making/completion-outbox.ts";
import { storedAnswer, storedProblem } from "../../answers/storage/stored-answers.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { endWhenOver, isCancelled, readTerms } from "./batch-row.ts";

/** An item as it is taken on: with its price, or with the reason why it cannot be asked. */
export type NewItem =
  | { readonly customId: string | null; readonly quotedMicros: number; readonly error: null }
  | { readonly customId: string | null; readonly quotedMicros: 0; readonly error: Problem };

/** An item whose answer is being made. */
export interface RunningItem {
  readonly index: number;
  readonly answerId: string;
}

/** As many as a function makes at once; more of one batch would only fill its queue and crowd out requests that a person waits for. */
export const MAX_RUNNING_ITEMS = 4;

/** Attempts at an item whose failure may pass, such as a full queue; with the waits between them they outlast a restart. */
export const MAX_ITEM_ATTEMPTS = 4;

/** Wait before the second attempt; doubled for each further one. */
const RETRY_MS = 10_000;

/** Takes an item on; the same index again changes nothing. */
export function keepItem(
  store: SqlStore,
  index: number,
  { customId, quotedMicros, error }: NewItem,
): void {
  store.all(
    `INSERT INTO items (place, custom_id, quoted, state, outcome, error) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (place) DO NOTHING`,
    [
      index,
      customId,
      quotedMicros,
      ...(error === null
        ? ["waiting", null, null]
        : ["ended", "failed", storedProblem.write(error)]),
    ],
  );
}

/** Lets the next waiting item run under this answer's id; null where none is due, or enough run. */
export function takeNext(store: SqlStore, answerId: string, now: number): RunningItem | null {
  const terms = readTerms(store);
  if (terms === null) return null;
  if (terms.deadlineAt <= now) cancelWaiting(store, now);
  const [next] = store.all<{ place: number }>(
    `SELECT place FROM items WHERE state = 'waiting' AND due_at <= ?
       AND (SELECT count(*) FROM items WHERE state = 'running') < ? ORDER BY place LIMIT 1`,
    [now, MAX_RUNNING_ITEMS],
  );
  if (next === undefined) return null;
  store.all(
    `UPDATE items SET state = 'running', answer_id = ?, attempts = attempts + 1 WHERE place = ?`,
    [answerId, next.place],
  );
  return { index: next.place, answerId };
}

/** Lists what runs, in order. */
export function readRunning(store: SqlStore): RunningItem[] {
  return store
    .all<{ place: number; answer_id: string }>(
      "SELECT place, answer_id FROM items WHERE state = 'running' ORDER BY place",
    )
    .map(({ place, answer_id }) => ({ index: place, answerId: answer_id }));
}

/** Whether an item runs under this answer's id. */
export function isRunning(store: SqlStore, { index, answerId }: RunningItem): boolean {
  const rows = store.all(
    "SELECT 1 FROM items WHERE place = ? AND state = 'running' AND answer_id = ?",
    [index, answerId],
  );
  return rows.length > 0;
}

/** Takes the end of an answer in, once. `again`: the item waits for another attempt, also where that was said before. `ignored`: of another answer, or no end. */
export function endItem(store: SqlStore, index: number, body: AnswerBody, now: number): ItemFate {
  const [item] = store.all<{ quoted: number; attempts: number }>(
    "SELECT quoted, attempts FROM items WHERE place = ? AND state = 'running' AND answer_id = ?",
    [index, body.id],
  );
  if (item === undefined) return isTried(store, body.id) ? "again" : "ignored";
  if (!isEnd(body.status)) return "ignored";
  if (mayRetry(store, body, item.attempts, now)) {
    // Its answer has failed, and has the question: it is deleted with the batch.
    store.all("INSERT OR IGNORE INTO tried (answer) VALUES (?)", [body.id]);
    store.all("UPDATE items SET state = 'waiting', answer_id = NULL, due_at = ? WHERE place = ?", [
      now + retryDelayMs(item.attempts),
      index,
    ]);
    return "again";
  }
  const charged = least(micros(item.quoted), micros(body.charged_micros));
  // Steps that another answer ran are in its usage.
  const steps = body.cached ? 0 : body.usage.steps;
  store.all(
    `UPDATE items SET state = 'ended', outcome = ?, charged = ?, steps = ?, answer = ?, error = ?
       WHERE place = ?`,
    [
      body.status,
      toNumber(charged),
      steps,
      storedAnswer.write(body),
      body.error === null ? null : storedProblem.write(body.error),
      index,
    ],
  );
  endWhenOver(store, now);
  return "ended";
}

function isTried(store: SqlStore, answerId: string): boolean {
  return store.all("SELECT 1 FROM tried WHERE answer = ?", [answerId]).length > 0;
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

/** Forgets the words of an item's answer, which was deleted. What became of it, and what it costs, stays. */
export function forgetWords(store: SqlStore, index: number, answerId: string): void {
  store.all(
    "UPDATE items SET answer = NULL, error = NULL WHERE place = ? AND answer_id = ? AND state = 'ended'",
    [index, answerId],
  );
}

/** All answers that were ever made for its items, in their order, behind one of them. */
export function answersBehind(store: SqlStore, after: string, count: number): readonly string[] {
  return store
    .all<{ id: string }>(
      `SELECT id FROM (SELECT answer_id AS id FROM items WHERE answer_id IS NOT NULL
         UNION SELECT answer FROM tried) WHERE id > ? ORDER BY id LIMIT ?`,
      [after, count],
    )
    .map(({ id }) => id);
}

/** Cancels an item whose answer never came to be. */
export function abandonItem(store: SqlStore, index: number, answerId: string, now: number): void {
  store.all(
    `UPDATE items SET state = 'ended', outcome = 'cancelled'
       WHERE place = ? AND answer_id = ? AND state = 'running'`,
    [index, answerId],
  );
  endWhenOver(store, now);
}

/** Cancels what waits. */
export function cancelWaiting(store: SqlStore, now: number): void {
  store.all("UPDATE items SET state = 'ended', outcome = 'cancelled' WHERE state = 'waiting'");
  endWhenOver(store, now);
}

/** When the first item that waits for another attempt is due; null where none does. */
export function nextItemDueAt(store: SqlStore): number | null {
  const [row] = store.all<{ due: number | null }>(
    "SELECT min(due_at) AS due FROM items WHERE state = 'waiting' AND attempts > 0",
  );
  return row?.due ?? null;
}
