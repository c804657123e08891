import type { BatchBody, BatchResultBody, BatchStatus } from "#wire/api/answers/batches.ts";
import { storedAnswer, storedProblem } from "../../answers/storage/stored-answers.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import type { BatchRow } from "./batch-row.ts";
import { storedBatchTerms } from "./stored-batches.ts";

/**
 * Tells a batch as it stands; `closing` is what it will be charged, in micro-dollars, null while that is not known. Nothing
 * reads as ended before it is paid: the sum it tells is then the one that was charged.
 */
export function bodyOf(store: SqlStore, closing: number | null): BatchBody {
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

/** Tells what became of the items from `from` on, in order. */
export function readResults(store: SqlStore, from: number, count: number): BatchResultBody[] {
  return store
    .all<ResultRow>(
      `SELECT place, custom_id, state, outcome, answer, error FROM items
         WHERE place >= ? ORDER BY place LIMIT ?`,
      [from, count],
    )
    .map(({ place, custom_id, state, outcome, answer, error }) => ({
      custom_id,
      index: place,
      status: outcome ?? (state === "running" ? "running" : "queued"),
      answer: answer === null ? null : storedAnswer.read(answer),
      error: error === null ? null : storedProblem.read(error),
    }));
}
