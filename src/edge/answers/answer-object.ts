import { DurableObject } from "cloudflare:workers";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { type SseMessage, sseStream } from "#wire/codec/sse.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { newId } from "../id.ts";
import { maySee, type Viewer } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import { logFault } from "../log.ts";
import { deletePictures, keptQuestion, type PictureOwner } from "../questions/picture-store.ts";
import { durableStore } from "../storage/sql-store.ts";
import type { AnswerCalls } from "./answer-client.ts";
import { type AnswerBindings, AnswerReach } from "./answer-reach.ts";
import type { KeptAnswer } from "./answer-service.ts";
import { AnswerRunner } from "./making/answer-runner.ts";
import { drainOutbox } from "./making/completion-outbox.ts";
import type { WorkMessage } from "./making/shared-work.ts";
import { AnswerIndex } from "./storage/answer-index.ts";
import type { AnswerOrder } from "./storage/answer-order.ts";
import {
  type AnswerRepository,
  beginsAtOnce,
  type CompletionTask,
  openAnswerRepository,
} from "./storage/answer-repository.ts";
import { retentionAt } from "./storage/answer-retention.ts";
import { noProgress } from "./storage/stored-progress.ts";

/** Between two signs of life of a running answer: an alarm that finds no runner at work begins again. A ninth of a hold's lifetime. */
const LOOK_MS = 20_000;

/** The Durable Object of one answer. Everything that it has promised is in SQLite; a new instance goes on where the last one died. */
export class AnswerObject extends DurableObject<AnswerBindings> implements AnswerCalls {
  #repository: AnswerRepository;
  #runner: AnswerRunner | undefined;
  readonly #reach: AnswerReach;
  /** Resolves when the order is kept, or on its way to be. */
  readonly #isKept: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(state: DurableObjectState, env: AnswerBindings) {
    super(state, env);
    this.#reach = new AnswerReach(env, (work) => this.#inBackground(work));
    this.#repository = this.#openRepository();
  }

  async run(order: AnswerOrder, milliseconds: number | null): Promise<AnswerBody> {
    this.#begin(order);
    // Whoever is told its id before its end must find it again.
    if (milliseconds !== null) await this.#isKept.promise;
    await this.#answer().eventLog.ended(milliseconds);
    return this.#answer().body();
  }

  async stream(order: AnswerOrder): Promise<ReadableStream<Uint8Array>> {
    await this.start(order);
    return this.#listen(null);
  }

  async start(order: AnswerOrder): Promise<void> {
    this.#begin(order);
    await this.#isKept.promise;
  }

  async record(order: AnswerOrder, body: AnswerBody): Promise<void> {
    this.#repository.take(order);
    // What is found was cached, or made, under a key that has the decoder's version in it.
    const decoder = body.status === "completed" ? DECODER_VERSION : null;
    // It is paid for, and in the cache; what is left is to tell the address that it was asked with.
    const tasks: readonly CompletionTask[] = order.webhook === null ? ["list"] : ["tell", "list"];
    this.#repository.end({ body, tasks, at: Date.now(), decoder }, noProgress);
    await this.ctx.storage.setAlarm(Date.now());
  }

  async read(viewer: Viewer): Promise<AnswerBody | null> {
    return this.#mayBeSeenBy(viewer) ? this.#answer().body() : null;
  }

  async wait(viewer: Viewer, milliseconds: number | null): Promise<AnswerBody | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    this.#awake();
    await this.#answer().eventLog.ended(milliseconds);
    return this.#answer().body();
  }

  async events(viewer: Viewer, after: number | null): Promise<ReadableStream<Uint8Array> | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    this.#awake();
    return this.#listen(after);
  }

  async cancel(viewer: Viewer): Promise<AnswerBody | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    await this.#answer().interrupt("cancelled");
    return this.#answer().body();
  }

  async kept(viewer: Viewer): Promise<KeptAnswer | null> {
    const isThere = this.#mayBeSeenBy(viewer) && this.#repository.hasQuestion();
    const order = isThere ? this.#repository.order() : null;
    if (order === null) return null;
    const question = await keptQuestion(this.env.IMAGES, order.job, order.job.question);
    const decoder = this.#repository.ended()?.decoder ?? null;
    return { order: { ...order, job: { ...order.job, question } }, decoder };
  }

  async follow(
    accountId: string,
    follower: string,
  ): Promise<ReadableStream<Uint8Array> | "not begun" | "over"> {
    if (this.#repository.terms()?.job.accountId !== accountId) return "not begun";
    this.#awake();
    const { shared } = this.#answer();
    if (!shared.isUnderWay && this.#repository.ended()?.body.status !== "completed") return "over";
    return sseStream(workMessages(shared.follow(follower)), {
      cancel: () => shared.leave(follower),
    });
  }

  async leave(follower: string): Promise<void> {
    this.#runner?.shared.leave(follower);
  }

  async call(): Promise<void> {
    this.#runner?.place.called();
  }

  async watch(accountId: string, milliseconds: number | null): Promise<AnswerBody | null> {
    if (this.#repository.terms()?.job.accountId !== accountId) return null;
    this.#awake();
    const { shared, eventLog } = this.#answer();
    await shared.watch(() => eventLog.ended(milliseconds));
    return this.#answer().body();
  }

  override async alarm(): Promise<void> {
    const terms = this.#repository.terms();
    if (terms === null) return;
    if (this.#repository.ended() !== null) return await this.#lookBack();
    await this.#lookAgain();
    this.#awake();
    try {
      if (terms.payment.kind === "batch") return await this.#answer().place.renew();

      await ledgerOf(this.env, terms.job.accountId).renew(terms.job.id);
    } catch (cause) {
      logFault("a hold could not be renewed; it will be tried again", terms.job.id, cause);
    }
  }

  /** The answer, from the repository where this instance is new. */
  #answer(): AnswerRunner {
    const terms = this.#repository.terms();
    if (terms === null) throw new Error("an answer that never began is asked for");
    this.#runner ??= new AnswerRunner(this.#repository, terms, {
      ...this.#reach.runnerParts(() => this.#keepOrder()),
      onFrame: (order) => this.#reach.draft(order, terms.noticeId, () => this.#answer().body()),
      onEnd: (done) => this.#inBackground(this.#lookBack(done)),
    });
    return this.#runner;
  }

  /**
   * Takes the order on and goes to work. An order that may begin at once is kept when it has been sent to the function: a
   * machine that dies before has told nobody anything, and its caller's Worker calls again.
   */
  #begin(order: AnswerOrder): void {
    this.#repository.take(order);
    if (!beginsAtOnce(order)) this.#keepOrder();
    this.#inBackground(
      this.#answer()
        .goOn()
        .finally(() => this.#keepOrder()),
    );
    this.#inBackground(this.#reach.listLate(this.#repository));
  }

  #keepOrder(): void {
    this.#repository.keepOrder();
    this.#isKept.resolve();
  }

  /** A client that closes its stream stops nothing: the answer goes on, and can be heard again. */
  #listen(after: number | null): ReadableStream<Uint8Array> {
    return sseStream(this.#answer().eventLog.follow(after ?? -1), { cancel: () => undefined });
  }

  /** Goes on with the work where an instance before this one left it: a caller that waits already need not wait for the alarm. */
  #awake(): void {
    this.#inBackground(this.#answer().goOn());
  }

  /** Does what is left to do for an ended answer, then forgets it in two steps. */
  async #lookBack(done: readonly CompletionTask[] = []): Promise<void> {
    const [terms, ended] = [this.#repository.terms(), this.#repository.ended()];
    if (terms === null || ended === null) return;
    await drainOutbox(this.#repository, terms, this.#reach.targets(), done);
    const hasTasks = this.#repository.ended()?.tasks.length !== 0;
    const retention = retentionAt(Date.now(), ended.at, hasTasks);
    if (retention.forgets === "answer") return await this.#forget(terms.job.id);
    if (retention.forgets === "work") await this.#forgetWork(terms.job);
    await this.ctx.storage.setAlarm(retention.lookAt);
  }

  /** What the bucket keeps of the pictures, should it not be reachable now, its own rule deletes. */
  async #forgetWork(job: PictureOwner): Promise<void> {
    const places = this.#repository.picturePlaces();
    await deletePictures(this.env.IMAGES, job, places).catch((cause: unknown) =>
      logFault("an answer's pictures could not be deleted", job.id, cause),
    );
    this.#repository.forgetWork();
    this.#runner = undefined;
  }

  async #forget(answerId: string): Promise<void> {
    await new AnswerIndex(this.env.DB).forget(answerId);
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#repository = this.#openRepository();
    this.#runner = undefined;
  }

  async #lookAgain(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + LOOK_MS);
  }

  #mayBeSeenBy(viewer: Viewer): boolean {
    const terms = this.#repository.terms();
    return terms !== null && maySee(viewer, { accountId: terms.job.accountId, owner: terms.owner });
  }

  /** Losing such work costs a delay: the alarm does what it did not come to. */
  #inBackground(work: Promise<void>): void {
    this.ctx.waitUntil(work);
  }

  #openRepository(): AnswerRepository {
    const store = durableStore(this.ctx.storage);
    // In one write with the order, also where that is kept with its end: an end has tasks, and its object may die before them.
    const onKept = (): void => this.#inBackground(this.#lookAgain());
    return openAnswerRepository(store, () => newId("evt"), onKept);
  }
}

/** Read by an object of the same Worker, so as plain JSON. */
async function* workMessages(
  messages: AsyncIterable<WorkMessage>,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const message of messages) yield { event: "message", data: JSON.stringify(message) };
}
