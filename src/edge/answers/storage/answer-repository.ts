import { placeInStream } from "#domain/event.ts";
import { type Micros, toNumber } from "#domain/micros.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { FIRST_DECODER_VERSION } from "#wire/function/replay-digest.ts";
import type { AskedQuestion } from "../../questions/question-picture.ts";
import { migrate } from "../../storage/migrations.ts";
import type { SqlStore } from "../../storage/sql-store.ts";
import { isStrings, readChecked } from "../../storage/stored-json.ts";
import type { AnswerOrder, AnswerTerms, Job } from "./answer-order.ts";
import { answerMigrations, answerSchema } from "./answer-schema.ts";
import { storedAnswer, storedTerms } from "./stored-answers.ts";
import { type Progress, progressText, readProgress } from "./stored-progress.ts";
import {
  placesIn,
  type QuestionRow,
  questionRow,
  readQuestion,
  readQuestionText,
} from "./stored-question.ts";

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

/** An order as it was kept, by this version or by one before. */
export type StoredOrder = Omit<AnswerOrder, "job"> & { readonly job: Job };

/**
 * One answer over its store: its order, how far it is, and its end. Every operation is one transaction, and none waits for
 * anything. It is the only writer, so what it has read or written once it remembers.
 */
export class AnswerRepository {
  readonly #store: SqlStore;
  readonly #newNoticeId: () => string;
  readonly #onKept: () => void;
  #exists: boolean;
  #terms: AnswerTerms | null = null;
  #ended: EndedAnswer | null = null;
  /** An order that was taken and is not yet kept. */
  #unkept: AnswerOrder | null = null;
  /** Whether the first attempt was counted with the order. */
  #isFirstCounted = false;

  constructor(store: SqlStore, newNoticeId: () => string, onKept: () => void) {
    this.#store = store;
    this.#newNoticeId = newNoticeId;
    this.#onKept = onKept;
    // Threat: an id that was guessed makes an object; it must not leave tables behind, which are paid for.
    this.#exists = store.all("SELECT 1 FROM sqlite_master WHERE name = 'answer'").length > 0;
    if (this.#exists) migrate(store, "an answer", answerMigrations, answerSchema);
  }

  /** Takes the order on, to be kept by `keepOrder` or with whatever is kept first; again, it changes nothing. */
  take(order: AnswerOrder): void {
    if (this.terms() !== null) return;
    const { question: _, ...job } = order.job;
    this.#terms = { ...order, job, noticeId: this.#newNoticeId() };
    this.#unkept = order;
    this.#isFirstCounted = beginsAtOnce(order);
  }

  /** Keeps the order that was taken, unless it is kept. */
  keepOrder(): void {
    if (this.#unkept !== null) this.#keeping(() => undefined);
  }

  /** Null before it has begun; throws once the question is forgotten. */
  order(): StoredOrder | null {
    if (this.#unkept !== null) return this.#unkept;
    const terms = this.terms();
    if (terms === null) return null;
    const { noticeId: _, job, ...rest } = terms;
    return { ...rest, job: { ...job, question: this.#question() } };
  }

  /** As `order`, without the question, for as long as anything is kept. */
  terms(): AnswerTerms | null {
    if (this.#terms === null && this.#exists) {
      const text = this.#orderText();
      this.#terms = text === null ? null : storedTerms.read(text.terms);
    }
    return this.#terms;
  }

  hasQuestion(): boolean {
    if (this.#unkept !== null) return true;
    if (!this.#exists) return false;
    return this.#questionRow() !== undefined || (this.#orderText()?.question ?? "") !== "";
  }

  /** Where pictures of the question lie outside of this store, to be deleted with it. */
  picturePlaces(): readonly string[] {
    const row = this.#exists ? this.#questionRow() : undefined;
    return row === undefined ? [] : placesIn(row.places);
  }

  /** Counts an attempt to make it, this one included. The first of an order that may begin at once is counted with it. */
  attempt(): number {
    if (this.#isFirstCounted) {
      this.#isFirstCounted = false;
      return 1;
    }
    const attempts = this.#attempts() + 1;
    this.#countAttempts(attempts);
    return attempts;
  }

  /** Takes the last attempt back: it reached no function. */
  takeBack(): void {
    this.#countAttempts(Math.max(0, this.#attempts() - 1));
  }

  /** Keeps what has come since the last time, of an answer that has begun anew so often. */
  keep(progress: Progress, restarts: number = 0): void {
    const { started, frames } = progress;
    if (started === null && frames.length === 0) return;
    const record = `progress/${fourDigits(placeInStream(restarts, frames.at(-1)?.step ?? 0))}`;
    this.#keeping(() => this.#put(record, progressText(progress)));
  }

  progress(): Progress {
    if (!this.#exists) return readProgress([]);
    const rows = this.#store.all<{ text: string | null }>(
      `SELECT CASE record WHEN 'end' THEN progress ELSE text END AS text FROM answer
         WHERE record = 'end' OR record > 'progress/' AND record < 'progress0'
         ORDER BY record = 'end', record`,
    );
    return readProgress(rows.flatMap(({ text }) => (text === null ? [] : [text])));
  }

  /** Ends it, once: the first end stands and is returned. `unkept`: what has come since the last time. */
  end(ended: EndedAnswer, unkept: Progress): EndedAnswer {
    const earlier = this.ended();
    if (earlier !== null) return earlier;
    const hasNews = unkept.started !== null || unkept.frames.length > 0;
    this.#keeping(() => {
      this.#store.all(
        `INSERT INTO answer (record, text, progress, tasks, ended_at, decoder)
           VALUES ('end', ?, ?, ?, ?, ?)`,
        [
          storedAnswer.write(ended.body),
          hasNews ? progressText(unkept) : null,
          JSON.stringify(ended.tasks),
          ended.at,
          ended.decoder,
        ],
      );
    });
    this.#ended = ended;
    return ended;
  }

  ended(): EndedAnswer | null {
    if (this.#ended === null && this.#exists) this.#ended = readEnded(this.#store);
    return this.#ended;
  }

  /** Keeps that it was paid, and what was charged in truth: a hold that expired charges nothing. */
  settled(charged: Micros): void {
    const ended = this.ended();
    if (ended === null) return;
    const body: AnswerBody = { ...ended.body, charged_micros: toNumber(charged) };
    this.#store.all("UPDATE answer SET text = ? WHERE record = 'end'", [storedAnswer.write(body)]);
    this.#ended = { ...ended, body };
    this.done(["settle"]);
  }

  done(tasks: readonly CompletionTask[]): void {
    const ended = this.ended();
    if (ended === null) return;
    const left = ended.tasks.filter((task) => !tasks.includes(task));
    this.#store.all("UPDATE answer SET tasks = ? WHERE record = 'end'", [JSON.stringify(left)]);
    this.#ended = { ...ended, tasks: left };
  }

  /** Forgets question and frames. */
  forgetWork(): void {
    const text = this.#orderText();
    if (text === null) return;
    this.#store.transaction(() => {
      this.#put(FIRST_PART, `${text.terms}\n`);
      this.#store.all("DELETE FROM answer WHERE record > ? AND record < 'order0'", [FIRST_PART]);
      this.#store.all("DELETE FROM answer WHERE record > 'progress/' AND record < 'progress0'");
      this.#store.all("UPDATE answer SET progress = NULL WHERE record = 'end'");
    });
  }

  #attempts(): number {
    const kept = this.#exists
      ? this.#store.all<{ text: string }>("SELECT text FROM answer WHERE record = 'attempts'")[0]
      : undefined;
    const terms = this.terms();
    return kept === undefined ? Number(terms !== null && beginsAtOnce(terms)) : Number(kept.text);
  }

  #countAttempts(attempts: number): void {
    this.#keeping(() => this.#put("attempts", String(attempts)));
  }

  /** Keeps the order too where it is not, in the same transaction. */
  #keeping(work: () => void): void {
    const order = this.#unkept;
    // Outside the transaction: it makes one of its own.
    if (order !== null && !this.#exists)
      migrate(this.#store, "an answer", answerMigrations, answerSchema);
    this.#exists = true;
    this.#store.transaction(() => {
      if (order !== null && this.#terms !== null) this.#putOrder(this.#terms, order);
      work();
    });
    this.#unkept = null;
    if (order !== null) this.#onKept();
  }

  #putOrder(terms: AnswerTerms, { job }: AnswerOrder): void {
    const { head, inline, places } = questionRow(job.question);
    this.#store.all(
      "INSERT OR REPLACE INTO answer (record, text, head, inline, places) VALUES (?, ?, ?, ?, ?)",
      [FIRST_PART, `${storedTerms.write(terms)}\n`, head, inline, places],
    );
  }

  #question(): AskedQuestion {
    const row = this.#questionRow();
    return row === undefined
      ? readQuestionText(this.#orderText()?.question ?? "")
      : readQuestion(row);
  }

  #questionRow(): QuestionRow | undefined {
    const rows = this.#store.all<{ head: ArrayBuffer; inline: ArrayBuffer; places: string }>(
      "SELECT head, inline, places FROM answer WHERE record = ? AND head IS NOT NULL",
      [FIRST_PART],
    );
    return rows[0];
  }

  /** Two lines of text: everything but the question, then the question as versions before kept it, in parts that a row could hold. */
  #orderText(): { readonly terms: string; readonly question: string } | null {
    const rows = this.#store.all<{ text: string }>(
      "SELECT text FROM answer WHERE record > 'order/' AND record < 'order0' ORDER BY record",
    );
    if (rows.length === 0) return null;
    const text = rows.map((row) => row.text).join("");
    const end = text.indexOf("\n");
    return { terms: text.slice(0, end), question: text.slice(end + 1) };
  }

  #put(record: string, text: string): void {
    this.#store.all("INSERT OR REPLACE INTO answer (record, text) VALUES (?, ?)", [record, text]);
  }
}

/**
 * Opens the repository of an answer. `newNoticeId` draws the id of its notice; `onKept` is called as its order is kept, with
 * whatever that was: from then on somebody must look after it.
 */
export function openAnswerRepository(
  store: SqlStore,
  newNoticeId: () => string,
  onKept: () => void = () => undefined,
): AnswerRepository {
  return new AnswerRepository(store, newNoticeId, onKept);
}

/** Names of records are in the order of their parts and steps. */
const FIRST_PART = "order/0001";

function fourDigits(count: number): string {
  return String(count).padStart(4, "0");
}

/** Whether a function is asked as soon as the order is taken. */
export function beginsAtOnce({
  hasPlace,
  follows,
}: Pick<AnswerOrder, "hasPlace" | "follows">): boolean {
  return hasPlace && follows === null;
}

function readEnded(store: SqlStore): EndedAnswer | null {
  const [row] = store.all<{
    text: string;
    tasks: string | null;
    ended_at: number;
    decoder: string | null;
  }>("SELECT text, tasks, ended_at, decoder FROM answer WHERE record = 'end'");
  if (row === undefined) return null;
  const body = storedAnswer.read(row.text);
  const isCompleted = body.status === "completed";
  return {
    body,
    tasks: readChecked("tasks of an answer", isStrings, row.tasks ?? "[]") as CompletionTask[],
    at: row.ended_at,
    // Answers that ended before it was kept have none written down.
    decoder: row.decoder ?? (isCompleted ? FIRST_DECODER_VERSION : null),
  };
}
