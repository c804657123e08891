import { UNSTORED_STREAM_MS } from "#domain/retention.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { type SseMessage, sseStream } from "#wire/codec/sse.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { newId } from "../../id.ts";
import { maySee, type Viewer } from "../../keys/viewer.ts";
import { logFault } from "../../log.ts";
import type { AskedAs, Deletion, KeptAnswer } from "../answer-service.ts";
import { AnswerRunner } from "../making/answer-runner.ts";
import { drainOutbox } from "../making/completion-outbox.ts";
import { DraftTeller } from "../making/draft-teller.ts";
import type { WorkMessage } from "../making/shared-work.ts";
import type { AnswerOrder, CompletionTask, StoredOrder } from "../storage/answer-order.ts";
import { AnswerRepository } from "../storage/answer-repository.ts";
import { retentionAt } from "../storage/answer-retention.ts";
import type { AnswerRows } from "../storage/answer-rows.ts";
import { noProgress } from "../storage/stored-progress.ts";
import type { AnswerReach } from "./answer-reach.ts";
import { type ErasureCause, eraseElsewhere } from "./erasing.ts";

/** The object that an answer lies in. */
export interface AnswerHost {
  readonly rows: AnswerRows;
  readonly reach: AnswerReach;
  /** Has all answers looked at then, or before. Milliseconds since 1970. */
  readonly ringAt: (at: number) => void;
  /** An answer has nothing left to do, which is not written yet. */
  readonly onRest: () => void;
  /** Losing such work costs a delay: the alarm does what it did not come to. */
  readonly inBackground: (work: Promise<void>) => void;
  /** The last answer was forgotten. */
  readonly onEmpty: () => Promise<void>;
}

/** Between two signs of life of a running answer: an alarm that finds no runner at work begins again. A ninth of a hold's lifetime. */
export const LOOK_MS = 20_000;

/** An answer that ends sooner has its order kept with its end; whoever is told its id waits no longer for its order to be kept. */
const KEPT_WITHIN_MS = 50;

/** As long may one stand in line whose caller is told nothing before the end. A twentieth of what its hold stands for without a sign of life. */
const KEPT_IN_LINE_WITHIN_MS = 9_000;

/** One of the answers that share an object. What it has promised is in the object's rows; the next instance goes on where the last one died. */
export class HostedAnswer {
  readonly #id: string;
  readonly #host: AnswerHost;
  readonly #repository: AnswerRepository;
  readonly #drafts = new DraftTeller();
  #runner: AnswerRunner | undefined;
  /** Resolves when the order is kept, or on its way to be. */
  readonly #isKept: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Whether somebody is told its id before its end. */
  #isTold = false;
  /** Whether its turn at the functions came before it was known here. */
  #isCalled = false;
  /** When what is left to do for its end is tried again. Milliseconds since 1970. */
  #retryAt = 0;
  /** From when on the end of an answer that is not stored counts as delivered. Milliseconds since 1970. */
  #deliveredAt: number | null = null;
  /** The last look at what is left to do. */
  #looked: Promise<void> = Promise.resolve();
  /** What it is erased for; one that an instance before began to erase may have been deleted. */
  #cause: ErasureCause = "deleted";

  constructor(id: string, host: AnswerHost) {
    this.#id = id;
    this.#host = host;
    // In one write with the order, also where that is kept with its end: an end has tasks, and its object may die before them.
    const onKept = (): void => host.ringAt(Date.now() + LOOK_MS);
    this.#repository = new AnswerRepository(host.rows, id, () => newId("evt"), onKept);
  }

  /** Whether nothing would be lost but time if the next call made it anew out of its rows. */
  get isAtRest(): boolean {
    if (this.#repository.terms() === null) return true;
    const ended = this.#repository.ended();
    return ended?.tasks.length === 0 && this.#runner?.shared.isUnderWay !== true;
  }

  async run(order: AnswerOrder, milliseconds: number | null): Promise<AnswerBody> {
    const isTold = milliseconds !== null;
    this.#begin(order, isTold);
    // Whoever is told its id before its end must find it again.
    if (isTold) await this.#isKept.promise;
    const answer = this.#answer();
    await answer.eventLog.ended(milliseconds);
    return this.#told(answer.body());
  }

  async stream(order: AnswerOrder): Promise<ReadableStream<Uint8Array>> {
    await this.start(order);
    return this.#listen(null);
  }

  async start(order: AnswerOrder): Promise<void> {
    this.#begin(order, true);
    await this.#isKept.promise;
  }

  record(order: AnswerOrder, body: AnswerBody): void {
    this.#repository.take(order);
    // What is found was cached, or made, under a key that has the decoder's version in it.
    const decoder = body.status === "completed" ? DECODER_VERSION : null;
    // It is paid for, and in the cache; what is left is to tell the address that it was asked with.
    const tasks: readonly CompletionTask[] = order.webhook === null ? ["list"] : ["tell", "list"];
    this.#repository.end({ body, tasks, at: Date.now(), decoder }, noProgress);
    this.#host.inBackground(this.#lookBack());
  }

  read(viewer: Viewer): AnswerBody | null {
    return this.#mayBeSeenBy(viewer) ? this.#answer().body() : null;
  }

  show(viewer: Viewer): AnswerBody | null {
    return this.#mayBeSeenBy(viewer) ? this.#told(this.#answer().body()) : null;
  }

  asked(viewer: Viewer): AskedAs | null {
    const body = this.show(viewer);
    const terms = this.#repository.terms();
    if (body === null || terms === null) return null;
    const order = this.#repository.hasQuestion() ? this.#repository.order() : null;
    const { response = null, keeping } = terms;
    return { body, response, isStored: keeping.isStored, asked: order && askedIn(order) };
  }

  async wait(viewer: Viewer, milliseconds: number | null): Promise<AnswerBody | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    this.#awake();
    const answer = this.#answer();
    await answer.eventLog.ended(milliseconds);
    return this.#told(answer.body());
  }

  events(viewer: Viewer, after: number | null): ReadableStream<Uint8Array> | null {
    if (!this.#mayBeSeenBy(viewer)) return null;
    this.#awake();
    return this.#listen(after);
  }

  async cancel(viewer: Viewer): Promise<AnswerBody | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    const answer = this.#answer();
    await answer.interrupt("cancelled");
    return this.#told(answer.body());
  }

  async delete(viewer: Viewer): Promise<Deletion | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    if (this.#repository.ended() === null) return "still running";
    return (await this.#erase("deleted")) ? "deleted" : "deleting";
  }

  /** Erases it, cancelled where it is being made, unless it is of another account. False while something of it is left. */
  async eraseOf(accountId: string): Promise<boolean> {
    if (this.#repository.terms()?.job.accountId !== accountId) return false;
    if (this.#repository.ended() === null) await this.#answer().interrupt("cancelled");
    return this.#repository.ended() !== null && (await this.#erase("deleted"));
  }

  async kept(viewer: Viewer): Promise<KeptAnswer | null> {
    const isThere = this.#mayBeSeenBy(viewer) && this.#repository.hasQuestion();
    const order = isThere ? this.#repository.order() : null;
    if (order === null) return null;
    const question = await this.#host.reach.keptQuestion(order.job, order.job.question);
    const decoder = this.#repository.ended()?.decoder ?? null;
    return { order: { ...order, job: { ...order.job, question } }, decoder };
  }

  follow(accountId: string, follower: string): ReadableStream<Uint8Array> | "not begun" | "over" {
    if (this.#repository.terms()?.job.accountId !== accountId) return "not begun";
    this.#awake();
    const { shared } = this.#answer();
    if (!shared.isUnderWay && this.#repository.ended()?.body.status !== "completed") return "over";
    return sseStream(workMessages(shared.follow(follower)), {
      cancel: () => shared.leave(follower),
    });
  }

  leave(follower: string): void {
    this.#runner?.shared.leave(follower);
  }

  call(): void {
    if (this.#runner === undefined) this.#isCalled = true;
    else this.#runner.place.called();
  }

  async watch(accountId: string, milliseconds: number | null): Promise<AnswerBody | null> {
    if (this.#repository.terms()?.job.accountId !== accountId) return null;
    this.#awake();
    const { shared, eventLog } = this.#answer();
    await shared.watch(() => eventLog.ended(milliseconds));
    return this.#answer().body();
  }

  /** Goes on with what an instance before this one left, and tells the ledger that it is still there. Never rejects. */
  async look(): Promise<void> {
    try {
      // Rows of a later version cannot be read: the others of its object are looked after all the same.
      const terms = this.#repository.terms();
      if (terms === null) return;
      if (this.#repository.ended() !== null) {
        if (Date.now() >= this.#retryAt) await this.#lookBack();
        else this.#host.ringAt(this.#retryAt);
        return;
      }
      this.#awake();
      if (terms.payment.kind === "batch") await this.#answer().place.renew();
      else await this.#host.reach.ledgerOf(terms.job.accountId).renew(terms.job.id);
    } catch (cause) {
      logFault("an answer could not be looked after; it will be again", this.#id, cause);
    }
  }

  /** The answer, from its rows where this instance is new. */
  #answer(): AnswerRunner {
    const terms = this.#repository.terms();
    if (terms === null) throw new Error("an answer that never began is asked for");
    const { reach, inBackground } = this.#host;
    this.#runner ??= new AnswerRunner(this.#repository, terms, {
      ...reach.runnerParts(terms.job.accountId, () => this.#sent()),
      onFrame: (order) =>
        reach.draft(this.#drafts, order, terms.noticeId, () => this.#answer().body()),
      onEnd: (done) => inBackground(this.#lookBack(done)),
    });
    if (this.#isCalled) this.#runner.place.called();
    this.#isCalled = false;
    return this.#runner;
  }

  /**
   * Takes the order on and goes to work. An order that may begin at once is kept when it has been sent to the function, 50 ms after
   * it was taken at the latest, or, where its caller is told nothing before the end, with what is kept of it first, or 50 ms after it was
   * sent: a machine that dies before has told nobody anything, and its caller's Worker calls again. So it is with one that stands in
   * line for its place.
   */
  #begin(order: AnswerOrder, isTold: boolean): void {
    const { reach, inBackground } = this.#host;
    this.#isTold ||= isTold;
    this.#repository.take(order);
    if (order.follows !== null || (isTold && !order.hasPlace)) this.#keepOrder();
    // It may be minutes before a function is asked: nobody may serve its model, and who was promised it does not wait for that.
    else if (isTold) this.#keepSoon();
    else if (!order.hasPlace) this.#keepSoon(KEPT_IN_LINE_WITHIN_MS);
    inBackground(
      this.#answer()
        .goOn()
        .finally(() => this.#keepOrder()),
    );
    inBackground(reach.listLate(this.#repository));
  }

  #sent(): void {
    if (this.#isTold) this.#keepOrder();
    else this.#keepSoon();
  }

  #keepSoon(milliseconds = KEPT_WITHIN_MS): void {
    this.#host.inBackground(scheduler.wait(milliseconds).then(() => this.#keepOrder()));
  }

  #keepOrder(): void {
    this.#repository.keepOrder();
    this.#isKept.resolve();
  }

  /** A client that closes its stream stops nothing: the answer goes on, and can be heard again. */
  #listen(after: number | null): ReadableStream<Uint8Array> {
    return sseStream(this.#following(after ?? -1), { cancel: () => undefined });
  }

  async *#following(after: number): AsyncGenerator<SseMessage, void, undefined> {
    const answer = this.#answer();
    yield* answer.eventLog.follow(after);
    this.#told(answer.body(), UNSTORED_STREAM_MS);
  }

  /** Somebody has been told this: an answer that is not stored goes so long after that was its end. */
  #told(body: AnswerBody, afterMs = 0): AnswerBody {
    const isLast = this.#repository.terms()?.keeping.isStored === false && body.ended_at !== null;
    if (!isLast) return body;
    this.#deliveredAt = Math.min(
      this.#deliveredAt ?? Number.POSITIVE_INFINITY,
      Date.now() + afterMs,
    );
    if (afterMs === 0) this.#host.inBackground(this.#lookBack());
    else {
      this.#retryAt = this.#deliveredAt;
      this.#host.ringAt(this.#retryAt);
    }
    return body;
  }

  /** Goes on with the work where an instance before this one left it: a caller that waits already need not wait for the alarm. */
  #awake(): void {
    this.#host.inBackground(this.#answer().goOn());
  }

  /** One after another: what is told twice at once may be told twice to a receiver. */
  #lookBack(done: readonly CompletionTask[] = []): Promise<void> {
    const looked = this.#looked.then(() => this.#lookBackOnce(done));
    this.#looked = looked.catch(() => undefined);
    return looked;
  }

  /** Does what is left to do for an ended answer, then forgets it in two steps. */
  async #lookBackOnce(done: readonly CompletionTask[]): Promise<void> {
    const [terms, ended] = [this.#repository.terms(), this.#repository.ended()];
    if (terms === null || ended === null) return;
    const { reach, ringAt } = this.#host;
    if (this.#repository.isErased) {
      await this.#erase(this.#cause);
      return;
    }
    await drainOutbox(this.#repository, terms, reach.targets(terms.job.accountId), done);
    const hasTasks = this.#repository.ended()?.tasks.length !== 0;
    const isOver = !hasTasks && this.#deliveredAt !== null && Date.now() >= this.#deliveredAt;
    const retention = retentionAt(Date.now(), ended.at, hasTasks, terms.keeping);
    if (isOver || retention.forgets === "answer") {
      await this.#erase("over");
      return;
    }
    if (retention.forgets === "work") await this.#forgetWork();
    if (!hasTasks && terms.keeping.isStored) return this.#host.onRest();
    this.#retryAt = Math.min(retention.lookAt, this.#deliveredAt ?? retention.lookAt);
    ringAt(this.#retryAt);
  }

  /** What the bucket keeps of the pictures, should it not be reachable now, its own rule deletes. */
  async #forgetWork(): Promise<void> {
    const terms = this.#repository.terms();
    if (terms === null) return;
    await this.#host.reach.deletePictures(terms.job, this.#repository.picturePlaces());
    this.#repository.forgetWork();
    this.#runner = undefined;
  }

  /** Takes its words in one write, then what lies elsewhere, then the last of its rows. False where the alarm has to go on with it. */
  async #erase(cause: ErasureCause): Promise<boolean> {
    const terms = this.#repository.terms();
    if (terms === null) return true;
    this.#cause = cause;
    this.#repository.erase();
    this.#runner = undefined;
    if (!(await eraseElsewhere(this.#repository, terms, this.#host.reach, cause))) {
      this.#retryAt = Date.now() + LOOK_MS;
      this.#host.ringAt(this.#retryAt);
      return false;
    }
    if (this.#repository.terms() !== null && this.#repository.forget()) await this.#host.onEmpty();
    return true;
  }

  #mayBeSeenBy(viewer: Viewer): boolean {
    const terms = this.#repository.terms();
    if (terms === null || this.#repository.isErased) return false;
    return maySee(viewer, { accountId: terms.job.accountId, owner: terms.owner });
  }
}

function askedIn({ job }: StoredOrder): NonNullable<AskedAs["asked"]> {
  const { messages, images, options } = job.question;
  return { messages, pictures: images.length, detail: options.detail };
}

/** Read by an object of the same Worker, so as plain JSON. */
async function* workMessages(
  messages: AsyncIterable<WorkMessage>,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const message of messages) yield { event: "message", data: JSON.stringify(message) };
}
