import { placeInStream } from "#domain/event.ts";
import { type Micros, toNumber } from "#domain/micros.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import {
  type AnswerOrder,
  type AnswerTerms,
  beginsAtOnce,
  type CompletionTask,
  type EndedAnswer,
  type StoredOrder,
} from "./answer-order.ts";
import { AnswerRecords } from "./answer-records.ts";
import { forgetTimes } from "./answer-retention.ts";
import type { AnswerRows } from "./answer-rows.ts";
import type { Progress } from "./stored-progress.ts";
import { placesIn } from "./stored-question.ts";

/**
 * One answer over the rows of its object: its order, how far it is, and its end. Every operation is one transaction, and none
 * waits for anything. It is the only writer of this answer, so what it has read or written once it remembers.
 */
export class AnswerRepository {
  readonly #records: AnswerRecords;
  readonly #newNoticeId: () => string;
  readonly #onKept: () => void;
  #terms: AnswerTerms | null = null;
  #ended: EndedAnswer | null = null;
  /** Undefined before it was looked for. */
  #isErased: boolean | undefined;
  /** An order that was taken and is not yet kept. */
  #unkept: AnswerOrder | null = null;
  /** Whether the first attempt is counted by the order itself. */
  #isFirstCounted = false;
  /** Attempts that are kept with the order, once that is. */
  #unkeptAttempts: number | null = null;

  /**
   * `newNoticeId` draws the id of its notice; `onKept` is called as its order is kept, with whatever that was: from then on
   * somebody must look after it.
   */
  constructor(
    rows: AnswerRows,
    id: string,
    newNoticeId: () => string,
    onKept: () => void = () => undefined,
  ) {
    this.#records = new AnswerRecords(rows, id);
    this.#newNoticeId = newNoticeId;
    this.#onKept = onKept;
  }

  /** Takes the order on, to be kept by `keepOrder` or with whatever is kept first; again, it changes nothing. */
  take(order: AnswerOrder): void {
    if (this.terms() !== null) return;
    const { question: _, ...job } = order.job;
    this.#terms = { ...order, job, noticeId: this.#newNoticeId() };
    this.#unkept = order;
    this.#isErased = false;
    this.#isFirstCounted = beginsAtOnce(order);
  }

  /** Whether its order was taken by this instance, and is not kept. */
  get isNew(): boolean {
    return this.#unkept !== null;
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
    return { ...rest, job: { ...job, question: this.#records.question() } };
  }

  /** As `order`, without the question, for as long as anything is kept. */
  terms(): AnswerTerms | null {
    this.#terms ??= this.#records.terms();
    return this.#terms;
  }

  hasQuestion(): boolean {
    return this.#unkept !== null || this.#records.hasQuestion();
  }

  /** Where pictures of the question lie outside of this store, to be deleted with it. */
  picturePlaces(): readonly string[] {
    const places = this.#records.questionRow()?.places ?? this.#records.erased() ?? "";
    return places === "" ? [] : placesIn(places);
  }

  /** Whether its words are gone for good: then nobody sees it any more. */
  get isErased(): boolean {
    this.#isErased ??= this.#records.erased() !== undefined;
    return this.#isErased;
  }

  /**
   * Takes question, frames and words from an ended answer in one transaction; again, it changes nothing. What is left to do for
   * it is its payment, and to tell its batch that it ended.
   */
  erase(): void {
    const [terms, ended] = [this.terms(), this.ended()];
    if (terms === null || ended === null || this.isErased) return;
    const body = withoutWords(ended.body);
    const tasks = ended.tasks.filter((task) => task === "settle" || task === "report");
    const { workAt, answerAt } = forgetTimes(ended.at, terms.keeping);
    this.#records.write(() => this.#records.erase(body, tasks, [workAt, answerAt]));
    this.#ended = { ...ended, body, tasks };
    this.#isErased = true;
  }

  /**
   * Counts an attempt to make it, this one included. The first of an order that may begin at once is counted by it; that of
   * another is kept with it where it is not kept yet.
   */
  attempt(): number {
    if (this.#isFirstCounted) {
      this.#isFirstCounted = false;
      return 1;
    }
    const attempts = this.#attempts() + 1;
    if (attempts === 1 && this.isNew) this.#unkeptAttempts = 1;
    else this.#countAttempts(attempts);
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
    const place = placeInStream(restarts, frames.at(-1)?.step ?? 0);
    this.#keeping(() => this.#records.putProgress(progress, place));
  }

  progress(): Progress {
    return this.#records.progress();
  }

  /** Ends it, once: the first end stands and is returned. `unkept`: what has come since the last time. */
  end(ended: EndedAnswer, unkept: Progress): EndedAnswer {
    const earlier = this.ended();
    if (earlier !== null) return earlier;
    this.#keeping(() => this.#records.putEnd(ended, unkept));
    this.#ended = ended;
    return ended;
  }

  ended(): EndedAnswer | null {
    this.#ended ??= this.#records.end();
    return this.#ended;
  }

  /** Keeps that it was paid, and what was charged in truth: a hold that expired charges nothing. */
  settled(charged: Micros): void {
    const ended = this.ended();
    if (ended === null) return;
    const body: AnswerBody = { ...ended.body, charged_micros: toNumber(charged) };
    const left = ended.tasks.filter((task) => task !== "settle");
    if (left.length === 0 && this.#mayRest) this.#rest(ended.at);
    this.#records.write(() => {
      this.#records.putBody(body);
      if (left.length > 0) this.#records.putTasks(left);
    });
    this.#ended = { ...ended, body, tasks: left };
  }

  /** Keeps what is done. Once nothing is left to do the answer rests until its question is forgotten: see `AnswerRows.rest`. */
  done(tasks: readonly CompletionTask[]): void {
    const ended = this.ended();
    if (ended === null) return;
    const left = ended.tasks.filter((task) => !tasks.includes(task));
    if (left.length === ended.tasks.length) return;
    if (left.length === 0 && this.#mayRest) this.#rest(ended.at);
    else this.#records.write(() => this.#records.putTasks(left));
    this.#ended = { ...ended, tasks: left };
  }

  /** Forgets question and frames of an ended answer. */
  forgetWork(): void {
    const ended = this.ended();
    const terms = this.terms();
    if (ended !== null && terms !== null)
      this.#records.write(() => this.#records.deleteWork(ended.at, terms.keeping));
  }

  /** Forgets all of it. Returns whether no other answer is left in its object. */
  forget(): boolean {
    const [terms, ended] = [this.terms(), this.ended()];
    const times =
      terms === null || ended === null ? [] : Object.values(forgetTimes(ended.at, terms.keeping));
    [this.#terms, this.#ended] = [null, null];
    return this.#records.deleteAll(times);
  }

  /** What is not stored, or is being erased, is looked after until it is gone. */
  get #mayRest(): boolean {
    return !this.isErased && this.terms()?.keeping.isStored !== false;
  }

  #rest(endedAt: number): void {
    const terms = this.terms();
    if (terms !== null) this.#records.rest(endedAt, terms.keeping);
  }

  #attempts(): number {
    const terms = this.terms();
    return (
      this.#unkeptAttempts ??
      this.#records.attempts() ??
      Number(terms !== null && beginsAtOnce(terms))
    );
  }

  #countAttempts(attempts: number): void {
    this.#keeping(() => this.#records.putAttempts(attempts));
  }

  /** Keeps the order too where it is not, in the same transaction. */
  #keeping(work: () => void): void {
    const order = this.#unkept;
    const attempts = this.#unkeptAttempts;
    this.#records.write(() => {
      if (order !== null && this.#terms !== null) this.#records.putOrder(this.#terms, order);
      if (attempts !== null) this.#records.putAttempts(attempts);
      work();
    });
    [this.#unkept, this.#unkeptAttempts] = [null, null];
    if (order !== null) this.#onKept();
  }
}

/** What is left of an answer that is erased: how it ended, and what it costs. */
function withoutWords({ fields: _, ...body }: AnswerBody): AnswerBody {
  const nothing = {
    answer: "",
    tokens: [],
    confidence: 0,
    digest: null,
    error: null,
    warnings: [],
  };
  return { ...body, ...nothing, domain_score: null, in_domain: null };
}
