import type { AnswerKeeping } from "#domain/retention.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { FIRST_DECODER_VERSION } from "#wire/function/replay-digest.ts";
import type { AskedQuestion } from "../../questions/question-picture.ts";
import { isStrings, readChecked } from "../../storage/stored-json.ts";
import type { AnswerOrder, AnswerTerms, CompletionTask, EndedAnswer } from "./answer-order.ts";
import { forgetTimes } from "./answer-retention.ts";
import type { AnswerRows } from "./answer-rows.ts";
import { storedAnswer, storedTerms } from "./stored-answers.ts";
import { type Progress, progressText, readProgress } from "./stored-progress.ts";
import {
  type QuestionRow,
  questionRow,
  readQuestion,
  readQuestionText,
} from "./stored-question.ts";

/** Names of records are in the order of their parts and steps. */
const FIRST_PART = "order/0001";

/** The record of an answer that is being erased: where its pictures lie. */
const ERASED = "erased";

/** The rows of one answer. Those that write are called inside `write`. */
export class AnswerRecords {
  readonly #rows: AnswerRows;
  readonly #id: string;

  constructor(rows: AnswerRows, id: string) {
    this.#rows = rows;
    this.#id = id;
  }

  write(work: () => void): void {
    this.#rows.write(work);
  }

  putOrder(terms: AnswerTerms, { job }: AnswerOrder): void {
    const { head, inline, places } = questionRow(job.question);
    this.#rows.run(
      `INSERT OR REPLACE INTO answer (answer, record, text, head, inline, places)
         VALUES (?, ?, ?, ?, ?, ?)`,
      [this.#id, FIRST_PART, `${storedTerms.write(terms)}\n`, head, inline, places],
    );
    this.#rows.open(this.#id);
  }

  terms(): AnswerTerms | null {
    const text = this.#orderText();
    return text === null ? null : storedTerms.read(text.terms);
  }

  /** Throws once it is forgotten. */
  question(): AskedQuestion {
    const row = this.questionRow();
    return row === undefined
      ? readQuestionText(this.#orderText()?.question ?? "")
      : readQuestion(row);
  }

  hasQuestion(): boolean {
    return this.questionRow() !== undefined || (this.#orderText()?.question ?? "") !== "";
  }

  questionRow(): QuestionRow | undefined {
    const rows = this.#rows.find<{ head: ArrayBuffer; inline: ArrayBuffer; places: string }>(
      `SELECT head, inline, places FROM answer
         WHERE answer = ? AND record = ? AND head IS NOT NULL`,
      [this.#id, FIRST_PART],
    );
    return rows[0];
  }

  /** Undefined before they were counted for themselves. */
  attempts(): number | undefined {
    const [kept] = this.#rows.find<{ text: string }>(
      "SELECT text FROM answer WHERE answer = ? AND record = 'attempts'",
      [this.#id],
    );
    return kept === undefined ? undefined : Number(kept.text);
  }

  putAttempts(attempts: number): void {
    this.#put("attempts", String(attempts));
  }

  /** `place`: of its last frame in the answer's stream. */
  putProgress(progress: Progress, place: number): void {
    this.#put(`progress/${String(place).padStart(4, "0")}`, progressText(progress));
  }

  progress(): Progress {
    const rows = this.#rows.find<{ text: string | null }>(
      `SELECT CASE record WHEN 'end' THEN progress ELSE text END AS text FROM answer
         WHERE answer = ? AND (record = 'end' OR record > 'progress/' AND record < 'progress0')
         ORDER BY record = 'end', record`,
      [this.#id],
    );
    return readProgress(rows.flatMap(({ text }) => (text === null ? [] : [text])));
  }

  /** `unkept`: progress that was not kept before. */
  putEnd({ body, tasks, at, decoder }: EndedAnswer, unkept: Progress): void {
    const hasNews = unkept.started !== null || unkept.frames.length > 0;
    this.#rows.run(
      `INSERT INTO answer (answer, record, text, progress, tasks, ended_at, decoder)
         VALUES (?, 'end', ?, ?, ?, ?, ?)`,
      [
        this.#id,
        storedAnswer.write(body),
        hasNews ? progressText(unkept) : null,
        JSON.stringify(tasks),
        at,
        decoder,
      ],
    );
  }

  putBody(body: AnswerBody): void {
    this.#rows.run("UPDATE answer SET text = ? WHERE answer = ? AND record = 'end'", [
      storedAnswer.write(body),
      this.#id,
    ]);
  }

  putTasks(left: readonly CompletionTask[]): void {
    this.#rows.run("UPDATE answer SET tasks = ? WHERE answer = ? AND record = 'end'", [
      JSON.stringify(left),
      this.#id,
    ]);
  }

  /** Nothing is left to do. That is said by where it stands among those that are due, so that no row is written twice. */
  rest(endedAt: number, keeping: AnswerKeeping): void {
    this.#rows.rest(this.#id, forgetTimes(endedAt, keeping).workAt);
  }

  end(): EndedAnswer | null {
    const [row] = this.#rows.find<EndRow>(
      "SELECT text, tasks, ended_at, decoder FROM answer WHERE answer = ? AND record = 'end'",
      [this.#id],
    );
    return row === undefined ? null : readEnd(row, this.#rows.isOpen(this.#id));
  }

  /** Forgets question and frames of an ended answer, and looks again when it is to be forgotten itself. */
  deleteWork(endedAt: number, keeping: AnswerKeeping): void {
    const { workAt, answerAt } = forgetTimes(endedAt, keeping);
    this.#deleteWork();
    if (!this.#rows.isOpen(this.#id)) this.#rows.shelve(this.#id, workAt, answerAt);
  }

  /** Forgets the words of an ended answer; `body` is what is left of it. It is open until the rest of it is gone, too. */
  erase(body: AnswerBody, tasks: readonly CompletionTask[], times: readonly number[]): void {
    this.#put(ERASED, this.questionRow()?.places ?? "");
    this.#deleteWork();
    this.putBody(body);
    this.putTasks(tasks);
    this.#rows.reopen(this.#id, times);
  }

  /** Where pictures of an erased answer's question may still lie, as `QuestionRow.places`, or empty; undefined where it is not erased. */
  erased(): string | undefined {
    return this.#rows.find<{ text: string }>(
      "SELECT text FROM answer WHERE answer = ? AND record = ?",
      [this.#id, ERASED],
    )[0]?.text;
  }

  #deleteWork(): void {
    const terms = this.#orderText()?.terms;
    if (terms === undefined) return;
    this.#put(FIRST_PART, `${terms}\n`);
    this.#rows.run(
      `DELETE FROM answer WHERE answer = ? AND
         (record > ? AND record < 'order0' OR record > 'progress/' AND record < 'progress0')`,
      [this.#id, FIRST_PART],
    );
    this.#rows.run("UPDATE answer SET progress = NULL WHERE answer = ? AND record = 'end'", [
      this.#id,
    ]);
  }

  /** Forgets all of it. Returns whether no other answer is left in its object. */
  deleteAll(times: readonly number[]): boolean {
    return this.#rows.forget(this.#id, times);
  }

  /** Two lines of text: everything but the question, then the question as versions before kept it, in parts that a row could hold. */
  #orderText(): { readonly terms: string; readonly question: string } | null {
    const rows = this.#rows.find<{ text: string }>(
      `SELECT text FROM answer
         WHERE answer = ? AND record > 'order/' AND record < 'order0' ORDER BY record`,
      [this.#id],
    );
    if (rows.length === 0) return null;
    const text = rows.map((row) => row.text).join("");
    const end = text.indexOf("\n");
    return { terms: text.slice(0, end), question: text.slice(end + 1) };
  }

  #put(record: string, text: string): void {
    this.#rows.run("INSERT OR REPLACE INTO answer (answer, record, text) VALUES (?, ?, ?)", [
      this.#id,
      record,
      text,
    ]);
  }
}

type EndRow = {
  readonly text: string;
  readonly tasks: string | null;
  readonly ended_at: number;
  readonly decoder: string | null;
};

/** `isOpen`: whether anything is left of the tasks that it was kept with. */
function readEnd({ text, tasks, ended_at, decoder }: EndRow, isOpen: boolean): EndedAnswer {
  const body = storedAnswer.read(text);
  const isCompleted = body.status === "completed";
  const left = isOpen ? (tasks ?? "[]") : "[]";
  return {
    body,
    tasks: readChecked("tasks of an answer", isStrings, left) as CompletionTask[],
    at: ended_at,
    // Answers that ended before it was kept have none written down.
    decoder: decoder ?? (isCompleted ? FIRST_DECODER_VERSION : null),
  };
}
