import type { AnswerFrame, AnswerStarted } from "#domain/event.ts";
import { type Micros, toNumber } from "#domain/micros.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { FIRST_DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import type { AnswerOrder } from "../answer-service.ts";
import { answerMigrations } from "./answer-schema.ts";
import { storedAnswer, storedFrame, storedStart, storedTerms } from "./stored-answers.ts";
import { partsOf, questionText, readQuestion } from "./stored-question.ts";

/** What is left to do for an answer that has ended; each is done until it is known to be. */
export type CompletionTask = "settle" | "tell" | "cache" | "report" | "list";

/** How an answer ended. */
export interface EndedAnswer {
  readonly body: AnswerBody;
  readonly tasks: readonly CompletionTask[];
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Version of the decoder that completed it; null where it was not completed. */
  readonly decoder: string | null;
}

/** One answer over its store: its order, how far it is, and its end. Every operation is one transaction, and none waits for anything. */
export interface AnswerRepository {
  /** Takes the order on; again, it changes nothing. */
  begin(order: AnswerOrder): void;
  /** Null before it has begun; throws once the question is forgotten. */
  order(): AnswerOrder | null;
  /** As `order`, without the question, for as long as anything is kept. */
  terms(): AnswerTerms | null;
  hasQuestion(): boolean;
  /** Counts an attempt to make it, this one included. */
  attempt(): number;
  /** Takes the last attempt back: it reached no function. */
  takeBack(): void;
  /** Keeps which weights make it and what they started with. */
  started(modelDigest: string, event: AnswerStarted): void;
  /** Keeps frames; a step that is kept already stays as it is. */
  keep(frames: readonly AnswerFrame[]): void;
  progress(): Progress;
  /** Ends it, once: the first end stands and is returned. */
  end(ended: EndedAnswer): EndedAnswer;
  ended(): EndedAnswer | null;
  /** Keeps that it was paid, and what was charged in truth: a hold that expired charges nothing. */
  settled(charged: Micros): void;
  done(tasks: readonly CompletionTask[]): void;
  /** Forgets question and frames. */
  forgetWork(): void;
}

/** An order without its question. */
export type AnswerTerms = Omit<AnswerOrder, "job"> & {
  readonly job: Omit<AnswerOrder["job"], "question">;
  /** Under which its end is told, however often. */
  readonly noticeId: string;
};

/** How far an answer is. */
export interface Progress {
  /** Null before a function took it. */
  readonly modelDigest: string | null;
  readonly started: AnswerStarted | null;
  readonly frames: readonly AnswerFrame[];
}

/** Opens the repository of an answer. `newNoticeId` draws the id of its notice. */
export function openAnswerRepository(store: SqlStore, newNoticeId: () => string): AnswerRepository {
  // Threat: an id that was guessed makes an object; it must not leave tables behind, which are paid for.
  let exists = store.all("SELECT 1 FROM sqlite_master WHERE name = 'answer'").length > 0;
  if (exists) migrate(store, "an answer", answerMigrations);
  return {
    begin: (order) => {
      if (!exists) migrate(store, "an answer", answerMigrations);
      exists = true;
      store.transaction(() => {
        begin(store, order, newNoticeId());
      });
    },
    order: () => readOrder(store),
    terms: () => (exists ? readTerms(store) : null),
    hasQuestion: () => store.all("SELECT part FROM question LIMIT 1").length > 0,
    attempt: () =>
      store.transaction(() => {
        store.all("UPDATE answer SET attempts = attempts + 1");
        return store.all<{ attempts: number }>("SELECT attempts FROM answer")[0]?.attempts ?? 0;
      }),
    takeBack: () => void store.all("UPDATE answer SET attempts = max(0, attempts - 1)"),
    started: (modelDigest, event) =>
      void store.all(
        "UPDATE answer SET model_digest = ?, started = ?",
        ...[modelDigest, storedStart.write(event)],
      ),
    keep: (frames) =>
      store.transaction(() => {
        for (const frame of frames)
          store.all(
            "INSERT OR IGNORE INTO frames (step, frame) VALUES (?, ?)",
            frame.step,
            storedFrame.write(frame),
          );
      }),
    progress: () => readProgress(store),
    end: (ended) => store.transaction(() => end(store, ended)),
    ended: () => readEnded(store),
    settled: (charged) => store.transaction(() => settled(store, charged)),
    done: (tasks) =>
      store.transaction(() => {
        for (const task of tasks) store.all("DELETE FROM duties WHERE duty = ?", task);
      }),
    forgetWork: () =>
      store.transaction(() => {
        store.all("DELETE FROM question");
        store.all("DELETE FROM frames");
      }),
  };
}

function begin(store: SqlStore, order: AnswerOrder, noticeId: string): void {
  if (readTerms(store) !== null) return;
  const { question, ...job } = order.job;
  const terms: AnswerTerms = { ...order, job, noticeId };
  store.all("INSERT INTO answer (one, terms) VALUES (1, ?)", storedTerms.write(terms));
  for (const [part, piece] of partsOf(questionText(question)).entries())
    store.all("INSERT INTO question (part, text) VALUES (?, ?)", part, piece);
}

function readTerms(store: SqlStore): AnswerTerms | null {
  const [row] = store.all<{ terms: string }>("SELECT terms FROM answer");
  return row === undefined ? null : storedTerms.read(row.terms);
}

function readOrder(store: SqlStore): AnswerOrder | null {
  const terms = readTerms(store);
  if (terms === null) return null;
  const { noticeId: _, job, ...rest } = terms;
  const parts = store.all<{ text: string }>("SELECT text FROM question ORDER BY part");
  const text = parts.map((part) => part.text).join("");
  return { ...rest, job: { ...job, question: readQuestion(text) } };
}

function readProgress(store: SqlStore): Progress {
  const [row] = store.all<{ model_digest: string | null; started: string | null }>(
    "SELECT model_digest, started FROM answer",
  );
  const frames = store.all<{ frame: string }>("SELECT frame FROM frames ORDER BY step");
  return {
    modelDigest: row?.model_digest ?? null,
    started: typeof row?.started === "string" ? storedStart.read(row.started) : null,
    frames: frames.map(({ frame }) => storedFrame.read(frame)),
  };
}

function end(store: SqlStore, ended: EndedAnswer): EndedAnswer {
  const earlier = readEnded(store);
  if (earlier !== null) return earlier;
  store.all(
    "UPDATE answer SET body = ?, ended_at = ?, decoder = ?",
    ...[storedAnswer.write(ended.body), ended.at, ended.decoder],
  );
  for (const task of ended.tasks) store.all("INSERT INTO duties (duty) VALUES (?)", task);
  return ended;
}

function settled(store: SqlStore, charged: Micros): void {
  const ended = readEnded(store);
  if (ended === null) return;
  const body: AnswerBody = { ...ended.body, charged_micros: toNumber(charged) };
  store.all("UPDATE answer SET body = ?", storedAnswer.write(body));
  store.all("DELETE FROM duties WHERE duty = 'settle'");
}

function readEnded(store: SqlStore): EndedAnswer | null {
  const [row] = store.all<{
    body: string | null;
    ended_at: number | null;
    decoder: string | null;
  }>("SELECT body, ended_at, decoder FROM answer");
  if (row === undefined || row.body === null || row.ended_at === null) return null;
  const tasks = store.all<{ duty: CompletionTask }>("SELECT duty FROM duties ORDER BY rowid");
  const body = storedAnswer.read(row.body);
  const isCompleted = body.status === "completed";
  return {
    body,
    tasks: tasks.map(({ duty }) => duty),
    at: row.ended_at,
    // Answers that ended before it was kept have none written down.
    decoder: row.decoder ?? (isCompleted ? FIRST_DECODER_VERSION : null),
  };
}
