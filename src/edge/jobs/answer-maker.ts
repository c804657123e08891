import type { TextTerms } from "#domain/answer-text.ts";
import type { Failure } from "#domain/failure.ts";
import { toNumber } from "#domain/micros.ts";
import type { Result } from "#domain/result.ts";
import { problemOf } from "#wire/error.ts";
import type { AnswerBody } from "#wire/responses.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { logFault } from "../log.ts";
import { bodyOfEnd, bodyOfProgress, type Made } from "./answer-bodies.ts";
import type { AnswerBook, AnswerTerms, Duty } from "./answer-book.ts";
import { dutiesOf } from "./answer-duties.ts";
import { AnswerStory } from "./answer-story.ts";
import type { AnswerOrder } from "./answers.ts";
import { attempt } from "./attempt.ts";
import type { Dispatched } from "./dispatch.ts";
import { Cut, type MadeEnd, makeAnswer } from "./making.ts";
import { chargeOf, settle } from "./payment.ts";

/** What an answer is made with. */
export interface MakerParts {
  readonly dispatch: (
    order: AnswerOrder,
    signal: AbortSignal,
  ) => Promise<Result<Dispatched, Failure>>;
  readonly ledgerOf: (accountId: string) => Pick<Ledger, "capture" | "release">;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called behind every step. */
  readonly onFrame: (order: AnswerOrder) => void;
  /** Called when it has ended, with those of the book's duties that are done and not yet kept to be. */
  readonly onEnd: (done: readonly Duty[]) => void;
}

/** How long after its deadline a function may still tell its own, better, partial answer. */
const DEADLINE_GRACE_MS = 250;

/** Frames that are kept together: a write for each would cost a small model more than its step. */
const FRAMES_A_WRITE = 8;
const WRITE_WITHIN_MS = 50;

/**
 * Makes the answer of one book. Dies with its instance; the maker of the next goes on from the book. The end is kept before
 * anything is charged for it, so that nobody can end the answer otherwise than it was paid.
 */
export class AnswerMaker {
  readonly #book: AnswerBook;
  readonly #terms: AnswerTerms;
  readonly #parts: MakerParts;
  readonly #story: AnswerStory;
  readonly #cut = new AbortController();
  #text: TextTerms | undefined;
  /** The work under way; undefined where nobody works. */
  #work: Promise<void> | undefined;

  constructor(book: AnswerBook, terms: AnswerTerms, parts: MakerParts) {
    this.#book = book;
    this.#terms = terms;
    this.#parts = parts;
    const end = book.ended()?.body ?? null;
    this.#story = new AnswerStory(terms.job.id, book.progress(), end, book.hasQuestion());
  }

  /** What is told, and to be told, of the answer. */
  get story(): AnswerStory {
    return this.#story;
  }

  /** The answer as it stands. */
  body(): AnswerBody {
    const ended = this.#book.ended();
    if (ended !== null) return ended.body;
    return bodyOfProgress(this.#terms.job, this.#story.modelDigest, this.#made());
  }

  /** Begins the work where it was left, unless it is under way or over; resolves when it is over, and never rejects. */
  goOn(): Promise<void> {
    this.#work ??= this.#make().catch((cause: unknown) => {
      logFault(
        "the making of an answer broke off; the next alarm begins again",
        this.#terms.job.id,
        cause,
      );
      this.#work = undefined;
    });
    return this.#work;
  }

  /** Tells the answer as it stands, and ends it so. */
  async cut(status: Cut["status"]): Promise<void> {
    if (this.#book.ended() !== null) return;
    this.#cut.abort(new Cut(status));
    // Where nobody works on it any more, the work is begun again only to be ended at once.
    await this.goOn();
  }

  async #make(): Promise<void> {
    if (this.#book.ended() !== null) return;
    const order = this.#book.order();
    if (order === null) return;
    this.#text = order.job.question.options;
    const endTimer = this.#cutAt(order.deadlineAt);
    let saver: ReturnType<typeof setTimeout> | undefined;
    try {
      for await (const event of this.#events(order)) {
        if (event.kind === "answer.started") {
          this.#book.started(this.#story.modelDigest ?? "", event);
          this.#story.tell(event);
        } else if (event.kind === "answer.frame") {
          this.#story.tell(event);
          this.#parts.onFrame(order);
          if (this.#story.unkept.length >= FRAMES_A_WRITE) this.#keepFrames();
          else
            saver ??= setTimeout(() => {
              saver = undefined;
              this.#keepFrames();
            }, WRITE_WITHIN_MS);
        } else await this.#end(order, event);
      }
    } finally {
      endTimer();
      clearTimeout(saver ?? null);
    }
  }

  #events(order: AnswerOrder): ReturnType<typeof makeAnswer> {
    return makeAnswer({
      attempt: () => this.#book.attempt(),
      told: this.#book.progress(),
      signal: this.#cut.signal,
      pause,
      options: order.job.question.options,
      onTaken: (modelDigest) => this.#story.taken(modelDigest),
      dispatch: (signal) => this.#parts.dispatch(order, signal),
    });
  }

  #cutAt(deadlineAt: number | null): () => void {
    if (deadlineAt === null) return () => undefined;
    const cut = (): void => this.#cut.abort(new Cut("partial"));
    const left = deadlineAt - this.#parts.now();
    // A deadline that is over leaves no function the time to say anything.
    if (left <= 0) cut();
    const timer = setTimeout(cut, left + DEADLINE_GRACE_MS);
    return () => clearTimeout(timer);
  }

  #made(): Made {
    this.#text ??= this.#book.order()?.job.question.options ?? { stop: [] };
    return { ...this.#story.progress(), text: this.#text };
  }

  #keepFrames(): void {
    this.#book.keep(this.#story.unkept);
    this.#story.kept();
  }

  async #end(order: AnswerOrder, end: MadeEnd): Promise<void> {
    const { job, payment, isRepeatable, requestId } = order;
    const error =
      end.kind === "answer.failed"
        ? problemOf(end.failure, { requestId, instance: `/v1/answers/${job.id}` })
        : null;
    const progress = this.#made();
    const at = this.#parts.now();
    const made = { job, modelDigest: this.#story.modelDigest, progress, error };
    const body = bodyOfEnd(end, made, chargeOf(end, job), at);
    this.#keepFrames();
    const decoder = end.kind === "answer.completed" ? end.decoder : null;
    const ended = this.#book.end({ body, duties: dutiesOf(order, body), at, decoder });
    const ledger = payment.kind === "hold" ? this.#parts.ledgerOf(job.accountId) : null;
    const charged =
      ledger === null
        ? undefined
        : await attempt(job.id, () => settle(ended.body, isRepeatable, ledger));
    const isAsTold = charged === undefined || toNumber(charged) === ended.body.charged_micros;
    if (!isAsTold) this.#book.settled(charged);
    // Nothing is written between here and the reply, which would have to wait for it.
    this.#story.end(this.body());
    this.#parts.onEnd(charged === undefined ? [] : ["settle"]);
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  clearTimeout(timer);
}
