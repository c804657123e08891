import type { TextTerms } from "#domain/answer-text.ts";
import type { Failure } from "#domain/failure.ts";
import { toNumber } from "#domain/micros.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { problemOf } from "#wire/error.ts";
import type { Dispatched } from "../../function/dispatch.ts";
import type { Ledger } from "../../ledger/ledger-service.ts";
import { settling } from "../../ledger/settling.ts";
import { logFault } from "../../log.ts";
import { withRetry } from "../../with-retry.ts";
import type { AnswerOrder } from "../answer-service.ts";
import type {
  AnswerRepository,
  AnswerTerms,
  CompletionTask,
} from "../storage/answer-repository.ts";
import { AnswerEventLog } from "./answer-event-log.ts";
import { completionTasksOf } from "./completion-outbox.ts";
import { type Followed, followWork } from "./following.ts";
import {
  asItStands,
  type GenerationEnd,
  type GenerationEvent,
  generateAnswer,
  Interruption,
} from "./generation-attempts.ts";
import { Patience } from "./patience.ts";
import { pause } from "./pause.ts";
import { chargeOf, settle, sharedChargeOf } from "./payment.ts";
import { Place } from "./place.ts";
import { bodyOfEnd, bodyOfProgress, type Generated } from "./render-answer.ts";
import { SharedWork } from "./shared-work.ts";

/** What an answer is made with. */
export interface RunnerParts {
  readonly dispatch: (
    order: AnswerOrder,
    signal: AbortSignal,
  ) => Promise<Result<Dispatched, Failure>>;
  /** The answers whose work an answer may take part in. */
  readonly answers: Followed;
  readonly ledgerOf: (accountId: string) => RunnerLedger;
  /** Tells answers that it is their turn at the functions, without waiting for it. */
  readonly call: (answerIds: readonly string[]) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called behind every step. */
  readonly onFrame: (order: AnswerOrder) => void;
  /** Called when it has ended, with the completion tasks that are done and not yet kept as done. */
  readonly onEnd: (done: readonly CompletionTask[]) => void;
}

type RunnerLedger = Pick<Ledger, "capture" | "release" | "takePlace" | "leavePlace">;

/** How long after its deadline a function may still tell its own, better, partial answer. */
const DEADLINE_GRACE_MS = 250;

/** Frames that are kept together: a write for each would cost a small model more than its step. */
const FRAMES_A_WRITE = 8;
const WRITE_WITHIN_MS = 50;

/**
 * Makes the answer of one repository. Lives as long as its object's instance; the runner of the next instance goes on from the repository. The end is kept before
 * anything is charged for it, so that no later runner ends the answer otherwise than it was paid.
 */
export class AnswerRunner {
  readonly #repository: AnswerRepository;
  readonly #terms: AnswerTerms;
  readonly #parts: RunnerParts;
  readonly #eventLog: AnswerEventLog;
  readonly #interruption = new AbortController();
  #text: TextTerms | undefined;
  readonly #shared: SharedWork;
  readonly #patience: Patience;
  readonly #place: Place;
  /** Whose work it takes part in; null once it works by itself. */
  #leader: AnswerOrder["follows"];
  /** Whether the work it takes part in has become its own to pay. */
  #isHeir = false;
  /** The work under way; undefined where none is. */
  #work: Promise<void> | undefined;

  constructor(repository: AnswerRepository, terms: AnswerTerms, parts: RunnerParts) {
    this.#repository = repository;
    this.#terms = terms;
    this.#parts = parts;
    const end = repository.ended()?.body ?? null;
    const progress = repository.progress();
    this.#eventLog = new AnswerEventLog(terms.job.id, progress, end, repository.hasQuestion());
    this.#leader = terms.follows;
    this.#patience = new Patience(
      { isAccepted: terms.isAccepted, createdAt: terms.job.createdAt },
      parts.now,
    );
    const { job, payment, share, hasPlace } = terms;
    this.#place = new Place(
      { answerId: job.id, share, hasPlace, isHeld: payment.kind === "hold" },
      () => parts.ledgerOf(job.accountId),
    );
    this.#shared = new SharedWork(() => this.#interruption.abort(new Interruption("cancelled")));
    if (end !== null) this.#shared.over();
    if (progress.modelDigest !== null) this.#shared.taken(progress.modelDigest);
    if (progress.started !== null) this.#shared.tell(progress.started);
    for (const frame of progress.frames) this.#shared.tell(frame);
  }

  /** What is told, and to be told, of the answer. */
  get eventLog(): AnswerEventLog {
    return this.#eventLog;
  }

  /** Its place at the functions. */
  get place(): Place {
    return this.#place;
  }

  /** The run of its question, for the answers that take part in it. */
  get shared(): SharedWork {
    return this.#shared;
  }

  /** The answer as it stands. */
  body(): AnswerBody {
    const ended = this.#repository.ended();
    if (ended !== null) return ended.body;
    return bodyOfProgress(this.#terms.job, this.#eventLog.modelDigest, this.#generated());
  }

  /** Begins the work where it was left, unless it is under way or over; resolves when it is over, and never rejects. */
  goOn(): Promise<void> {
    this.#work ??= this.#run().catch((cause: unknown) => {
      logFault(
        "the making of an answer broke off; the next alarm begins again",
        this.#terms.job.id,
        cause,
      );
      this.#work = undefined;
    });
    return this.#work;
  }

  /** Tells the answer as it stands, and ends it so. The work goes on for the answers that take part in it. */
  async interrupt(status: Interruption["status"]): Promise<void> {
    if (this.#repository.ended() !== null) return;
    const order = this.#mayGoOn ? this.#repository.order() : null;
    if (order !== null) {
      const { started, frames } = this.#eventLog.progress();
      const ended = this.#end(
        order,
        asItStands(status, started, frames, order.job.question.options),
      );
      this.#shared.leaderLeft();
      return await ended;
    }
    this.#interruption.abort(new Interruption(status));
    // Where no run is under way, one is begun only to be ended at once.
    await this.goOn();
  }

  /**
   * Whether a follower or a waiting caller stays for its work. Work that still waits for its place has none to hand on: an
   * answer that took part in it stands in line under an id, and with a price, of its own.
   */
  get #mayGoOn(): boolean {
    return this.#shared.isWanted && (this.#place.isTaken || this.#leader !== null);
  }

  async #run(): Promise<void> {
    if (this.#repository.ended() !== null) return;
    const order = this.#repository.order();
    if (order === null) return;
    this.#text = order.job.question.options;
    const endTimer = this.#interruptAt(order.deadlineAt);
    let saver: ReturnType<typeof setTimeout> | undefined;
    try {
      for await (const event of this.#events(order)) {
        this.#share(event);
        // Its own end was told before that of the work, which others had a share in.
        if (this.#repository.ended() !== null) continue;
        if (event.kind === "answer.started") {
          this.#repository.started(this.#eventLog.modelDigest ?? "", event);
          this.#eventLog.tell(event);
        } else if (event.kind === "answer.frame") {
          this.#eventLog.tell(event);
          this.#parts.onFrame(order);
          if (this.#eventLog.unkept.length >= FRAMES_A_WRITE) this.#keepFrames();
          else
            saver ??= setTimeout(() => {
              saver = undefined;
              this.#keepFrames();
            }, WRITE_WITHIN_MS);
        } else await this.#end(order, event);
      }
    } finally {
      this.#shared.over();
      endTimer();
      clearTimeout(saver ?? null);
    }
  }

  #events(order: AnswerOrder): ReturnType<typeof generateAnswer> {
    return generateAnswer({
      turn: async (signal) => {
        if (this.#leader === null) await this.#place.taken(signal);
      },
      attempt: () => (this.#leader === null ? this.#repository.attempt() : 0),
      takeBack: () => this.#repository.takeBack(),
      // Without work to take part in it works by itself, at once.
      patience: (failure, attempt) => (attempt === 0 ? 0 : this.#patience.after(failure, attempt)),
      progress: this.#repository.progress(),
      signal: this.#interruption.signal,
      pause,
      options: order.job.question.options,
      onTaken: (modelDigest) => {
        this.#patience.taken();
        this.#eventLog.taken(modelDigest);
        this.#shared.taken(modelDigest);
      },
      dispatch: (signal) => this.#dispatch(order, signal),
    });
  }

  /** Takes part in the work of an equal question where there is some, and has a function work otherwise. */
  async #dispatch(order: AnswerOrder, signal: AbortSignal): Promise<Result<Dispatched, Failure>> {
    const { answers, dispatch } = this.#parts;
    const leader = this.#leader;
    if (leader === null) return await dispatch(order, signal);
    const followed = await followWork(answers, leader, order.job.id, signal, () => {
      this.#isHeir = true;
      this.#place.inherit();
    });
    if (followed !== null) return ok({ ...followed, events: this.#untilLost(followed.events) });
    this.#leader = null;
    return refuse({ kind: "function_unreachable" });
  }

  /** Tells the followers; an end that is no whole answer is this answer's alone. */
  #share(event: GenerationEvent): void {
    switch (event.kind) {
      case "answer.started":
      case "answer.frame":
      case "answer.completed":
        this.#shared.tell(event);
        break;
      case "answer.partial":
      case "answer.cancelled":
      case "answer.failed":
        break;
      default:
        event satisfies never;
    }
  }

  async *#untilLost(events: Dispatched["events"]): Dispatched["events"] {
    for await (const event of events) {
      if (event.kind === "answer.failed") [this.#leader, this.#isHeir] = [null, false];
      yield event;
    }
  }

  #interruptAt(deadlineAt: number | null): () => void {
    if (deadlineAt === null) return () => undefined;
    const interrupt = (): void => {
      if (this.#mayGoOn) void this.interrupt("partial");
      else this.#interruption.abort(new Interruption("partial"));
    };
    const left = deadlineAt - this.#parts.now();
    // A deadline that is over leaves no function the time to say anything.
    if (left <= 0) interrupt();
    const timer = setTimeout(interrupt, left + DEADLINE_GRACE_MS);
    return () => clearTimeout(timer);
  }

  #generated(): Generated {
    this.#text ??= this.#repository.order()?.job.question.options ?? { stop: [] };
    return { ...this.#eventLog.progress(), text: this.#text };
  }

  #keepFrames(): void {
    this.#repository.keep(this.#eventLog.unkept);
    this.#eventLog.kept();
  }

  async #end(order: AnswerOrder, end: GenerationEnd): Promise<void> {
    const { job, payment, isRepeatable, requestId } = order;
    const error =
      end.kind === "answer.failed"
        ? problemOf(end.failure, { requestId, instance: `/v1/answers/${job.id}` })
        : null;
    const progress = this.#generated();
    const at = this.#parts.now();
    const made = { job, modelDigest: this.#eventLog.modelDigest, progress, error };
    const isShared = this.#leader !== null && !this.#isHeir;
    const charge = isShared ? sharedChargeOf(end, job) : chargeOf(end, job);
    const own = bodyOfEnd(end, made, charge, at);
    const body: AnswerBody = { ...own, cached: isShared && end.kind === "answer.completed" };
    this.#keepFrames();
    const decoder = end.kind === "answer.completed" ? end.decoder : null;
    const ended = this.#repository.end({
      body,
      tasks: completionTasksOf(order, body),
      at,
      decoder,
    });
    await this.#place.settled();
    const ledger = payment.kind === "hold" ? this.#parts.ledgerOf(job.accountId) : null;
    const settled =
      ledger === null
        ? undefined
        : await withRetry(() => settle(ended.body, isRepeatable, ledger), settling(job.id));
    const charged = settled?.charged;
    const isAsTold = charged === undefined || toNumber(charged) === ended.body.charged_micros;
    if (!isAsTold) this.#repository.settled(charged);
    // Nothing is written between here and the reply, which would have to wait for it.
    this.#eventLog.end(this.body());
    this.#parts.onEnd(charged === undefined ? [] : ["settle"]);
    this.#parts.call(settled?.called ?? (await this.#place.leave()));
  }
}
