import { restartsOf } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { toNumber } from "#domain/micros.ts";
import { type NumericsText, parseNumerics } from "#domain/numerics.ts";
import type { Result } from "#domain/result.ts";
import { withAlternatives } from "#domain/told-frames.ts";
import type { ToldQuestion } from "#domain/told-so-far.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Dispatched, DispatchTerms } from "../../fleet/dispatch.ts";
import type { Ledger } from "../../ledger/ledger-service.ts";
import { settling } from "../../ledger/settling.ts";
import { logFault } from "../../log.ts";
import { withRetry } from "../../with-retry.ts";
import type {
  AnswerTerms,
  CompletionTask,
  LedAnswer,
  StoredOrder,
} from "../storage/answer-order.ts";
import type { AnswerRepository } from "../storage/answer-repository.ts";
import { AnswerEventLog } from "./answer-event-log.ts";
import { tasksDone } from "./completion-outbox.ts";
import { type Followed, Following } from "./following.ts";
import {
  asItStands,
  type GenerationEnd,
  type GenerationEvent,
  generateAnswer,
  Interruption,
  isProgress,
} from "./generation-attempts.ts";
import { atDeadline, Patience } from "./patience.ts";
import { settle } from "./payment.ts";
import { Place } from "./place.ts";
import { ProgressKeeper } from "./progress-keeper.ts";
import { bodyOfProgress, endedAnswer, type Generated } from "./render-answer.ts";
import { SharedWork } from "./shared-work.ts";

/** What an answer is made with. */
export interface RunnerParts {
  /** Sends the work to a function, one of that class of arithmetic where one is left, and of those weights. */
  readonly dispatch: (
    order: StoredOrder,
    signal: AbortSignal,
    wanted: Pick<DispatchTerms, "numerics" | "weights">,
  ) => Promise<Result<Dispatched, Failure>>;
  /** The answers whose work an answer may take part in. */
  readonly answers: Followed;
  /** Says who leads a question whose leader was lost before its work began: this answer, or who came first. Never rejects. */
  readonly succeed: (terms: AnswerTerms, lost: LedAnswer) => Promise<LedAnswer>;
  readonly ledgerOf: (accountId: string) => RunnerLedger;
  /** Tells answers that it is their turn at the functions, without waiting for it. */
  readonly call: (answerIds: readonly string[]) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called behind every step. */
  readonly onFrame: (order: StoredOrder) => void;
  /** Called when it has ended, with the completion tasks that are done and not yet kept as done. */
  readonly onEnd: (done: readonly CompletionTask[]) => void;
}

type RunnerLedger = Pick<Ledger, "capture" | "release" | "takePlace" | "leavePlace">;

/**
 * Makes the answer of one repository. Lives as long as its object's instance; the runner of the next instance goes on from the repository. The end is kept before
 * anything is charged for it, so that no later runner ends the answer otherwise than it was paid.
 */
export class AnswerRunner {
  readonly #repository: AnswerRepository;
  readonly #terms: AnswerTerms;
  readonly #parts: RunnerParts;
  readonly #interruption = new AbortController();
  readonly #keeper: ProgressKeeper;
  readonly #patience: Patience;
  readonly #following: Following;
  /** What is told, and to be told, of the answer. */
  readonly eventLog: AnswerEventLog;
  /** The run of its question, for the answers that take part in it. */
  readonly shared: SharedWork;
  /** Its place at the functions. */
  readonly place: Place;
  #question: ToldQuestion | undefined;
  /** The work under way; undefined where none is. */
  #work: Promise<void> | undefined;

  constructor(repository: AnswerRepository, terms: AnswerTerms, parts: RunnerParts) {
    const { job, payment, share, hasPlace, follows, isAccepted } = terms;
    const end = repository.ended()?.body ?? null;
    const progress = repository.progress();
    this.#repository = repository;
    this.#terms = terms;
    this.#parts = parts;
    this.#keeper = new ProgressKeeper(repository, restartsOf(progress.started));
    this.#patience = new Patience({ isAccepted, createdAt: job.createdAt }, parts.now);
    this.#following = new Following(follows, job.id, {
      answers: parts.answers,
      onHeir: () => this.place.inherit(),
      succeed: (lost) => parts.succeed(terms, lost),
    });
    this.eventLog = new AnswerEventLog(job.id, progress, end, repository.hasQuestion());
    const isHeld = payment.kind === "hold";
    const isInLine = isHeld && follows === null && repository.isNew;
    this.place = new Place({ answerId: job.id, share, hasPlace, isHeld, isInLine }, () =>
      parts.ledgerOf(job.accountId),
    );
    this.shared = new SharedWork(() => this.#interruption.abort(new Interruption("cancelled")));
    if (end !== null) this.shared.over();
    if (progress.modelDigest !== null) this.shared.taken(progress.modelDigest);
    if (progress.started !== null) this.shared.tell(progress.started);
    for (const frame of progress.frames) this.shared.tell(frame);
  }

  /** The answer as it stands. */
  body(): AnswerBody {
    const ended = this.#repository.ended();
    if (ended !== null) return ended.body;
    return bodyOfProgress(this.#terms.job, this.eventLog.modelDigest, this.#generated());
  }

  /** Begins the work where it was left, unless it is under way or over; resolves when it is over, and never rejects. */
  goOn(): Promise<void> {
    this.#work ??= this.#run().catch((cause: unknown) => {
      const fault = "the making of an answer broke off; the next alarm begins again";
      logFault(fault, this.#terms.job.id, cause);
      this.#work = undefined;
    });
    return this.#work;
  }

  /** Tells the answer as it stands, and ends it so. The work goes on for the answers that take part in it. */
  async interrupt(status: Interruption["status"]): Promise<void> {
    if (this.#repository.ended() !== null) return;
    const order = this.#mayGoOn ? this.#repository.order() : null;
    if (order !== null) {
      const { started, frames } = this.eventLog.progress();
      const end = asItStands(status, started, frames, order.job.question);
      const ended = this.#end(order, end);
      this.shared.leaderLeft();
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
    return this.shared.isWanted && (this.place.isTaken || this.#following.isFollower);
  }

  async #run(): Promise<void> {
    if (this.#repository.ended() !== null) return;
    const order = this.#repository.order();
    if (order === null) return;
    this.#question = order.job.question;
    const endTimer = atDeadline(order.deadlineAt, this.#parts.now(), () => this.#atDeadline());
    try {
      for await (const event of this.#events(order)) {
        this.#share(event);
        // Its own end was told before that of the work, which others had a share in.
        if (this.#repository.ended() !== null) continue;
        if (isProgress(event)) {
          const told = withAlternatives(event, order.alternatives);
          this.#keeper.came(told, this.eventLog.modelDigest);
          this.eventLog.tell(told);
          if (event.kind === "answer.frame") this.#parts.onFrame(order);
        } else await this.#end(order, event);
      }
    } finally {
      this.shared.over();
      endTimer();
      this.#keeper.stop();
    }
  }

  #events(order: StoredOrder): ReturnType<typeof generateAnswer> {
    const following = this.#following;
    return generateAnswer({
      turn: async (signal) => {
        if (!following.isFollower) await this.place.taken(signal);
      },
      attempt: () => (following.isFollower ? 0 : this.#repository.attempt()),
      takeBack: () => this.#repository.takeBack(),
      // Without work to take part in it works by itself, or takes part in that of another, at once.
      patience: (failure, attempt) => (attempt === 0 ? 0 : this.#patience.after(failure, attempt)),
      progress: this.#repository.progress(),
      signal: this.#interruption.signal,
      pause: (milliseconds, signal) => this.#patience.pause(milliseconds, signal),
      question: order.job.question,
      onTaken: () => this.#patience.taken(),
      onWeights: (modelDigest) => {
        this.eventLog.taken(modelDigest);
        this.shared.taken(modelDigest);
      },
      dispatch: async (signal, numerics, modelDigest) =>
        following.isFollower
          ? await following.dispatch(signal)
          : await this.#parts.dispatch(order, signal, wantedOf(order, numerics, modelDigest)),
    });
  }

  /** Tells the followers; an end that is no whole answer is this answer's alone. */
  #share(event: GenerationEvent): void {
    switch (event.kind) {
      case "answer.started":
      case "answer.restarted":
      case "answer.frame":
      case "answer.completed":
        this.shared.tell(event);
        break;
      case "answer.partial":
      case "answer.cancelled":
      case "answer.failed":
        break;
      default:
        event satisfies never;
    }
  }

  #atDeadline(): void {
    if (this.#mayGoOn) void this.interrupt("partial");
    else this.#interruption.abort(new Interruption("partial"));
  }

  #generated(): Generated {
    this.#question ??= this.#repository.order()?.job.question ?? { options: { stop: [] } };
    return { ...this.eventLog.progress(), question: this.#question };
  }

  async #end(order: StoredOrder, end: GenerationEnd): Promise<void> {
    const { job, payment } = order;
    const made = {
      modelDigest: this.eventLog.modelDigest,
      progress: this.#generated(),
      isShared: this.#following.isShared,
      at: this.#parts.now(),
    };
    const ended = this.#repository.end(endedAnswer(order, end, made), this.#keeper.handOver());
    await this.place.settled();
    const ledger = payment.kind === "hold" ? this.#parts.ledgerOf(job.accountId) : null;
    const settled =
      ledger === null
        ? undefined
        : await withRetry(() => settle(ended.body, order, ledger), settling(job.id));
    const charged = settled?.charged;
    const isAsTold = charged === undefined || toNumber(charged) === ended.body.charged_micros;
    if (!isAsTold) this.#repository.settled(charged);
    // Nothing is written between here and the reply, which would have to wait for it.
    this.eventLog.end(this.body());
    this.#parts.onEnd(settled === undefined ? [] : tasksDone(settled));
    this.#parts.call(settled?.called ?? (await this.place.leave()));
  }
}

/** A replay is made by the weights of the first answer or not at all; an answer that was cut off by its own where they are left. */
function wantedOf(
  order: Pick<StoredOrder, "numerics">,
  numerics: NumericsText | null,
  modelDigest: string | null,
): Pick<DispatchTerms, "numerics" | "weights"> {
  const replayed = order.numerics === null ? undefined : parseNumerics(order.numerics)?.model;
  const digest = replayed ?? modelDigest;
  const weights = digest === null ? null : { digest, areRequired: replayed !== undefined };
  return { numerics: numerics ?? order.numerics, weights };
}
