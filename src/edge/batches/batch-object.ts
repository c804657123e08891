import { DurableObject } from "cloudflare:workers";
import type { BatchBody, BatchResultBody } from "#wire/api/answers/batches.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { answersOf } from "../answers/answer-client.ts";
import { newAnswerId } from "../answers/answer-id.ts";
import type { Deletion } from "../answers/answer-service.ts";
import type { MakingBindings } from "../answers/hosting/answer-reach.ts";
import type { ItemFate } from "../answers/making/completion-outbox.ts";
import type { Lookup } from "../cache/answer-cache.ts";
import { answerCacheOf } from "../cache/cache-client.ts";
import { maySee, type Viewer } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import { logFault } from "../log.ts";
import { forgetPictures, keptQuestion } from "../questions/picture-store.ts";
import { settingsOf } from "../settings.ts";
import { pinned } from "../storage/jurisdiction.ts";
import { durableStore } from "../storage/sql-store.ts";
import { noticesOf } from "../webhooks/notice-client.ts";
import type { BatchCalls } from "./batch-client.ts";
import { BatchIndex } from "./batch-index.ts";
import { advance, type BatchParts, cancelBatch, itemEnded, lookAfter } from "./batch-runner.ts";
import type { NewItem } from "./storage/batch-items.ts";
import { openBatchOrders } from "./storage/batch-orders.ts";
import { openBatchRepository } from "./storage/batch-repository.ts";
import type { BatchTerms, ItemOrder } from "./storage/stored-batches.ts";

/** Between two looks at what runs: a report that was lost costs its item this long. A ninth of a hold's lifetime. */
const LOOK_MS = 20_000;

/** After that it is not going to be begun: the Worker that took it in died on the way. */
const UNBEGUN_LIFETIME_MS = 10 * 60_000;

/** Answers of a deleted batch that are deleted at one time; six connections are open at once. */
const DELETED_AT_ONCE = 6;

/** The Durable Object of one batch: its repository and questions are in SQLite, so that a new instance goes on where the last one died. */
export class BatchObject extends DurableObject<MakingBindings> implements BatchCalls {
  #opened: BatchParts | undefined;

  constructor(state: DurableObjectState, env: MakingBindings) {
    super(state, pinned(env));
  }

  async keep(index: number, item: NewItem, order: ItemOrder | null): Promise<void> {
    const { repository, orders } = this.#parts;
    if (order !== null) orders.keep(index, order);
    repository.keep(index, item);
    if (repository.terms() === null) await this.#ringIn(UNBEGUN_LIFETIME_MS);
  }

  async begin(terms: BatchTerms): Promise<BatchBody> {
    this.#parts.repository.begin(terms);
    await this.#ringIn(LOOK_MS);
    const body = this.#parts.repository.body();
    this.#inBackground(advance(this.#parts));
    return body;
  }

  async discard(): Promise<void> {
    if (this.#parts.repository.terms() === null) await this.#forget();
  }

  async read(viewer: Viewer): Promise<BatchBody | null> {
    return this.#mayBeSeenBy(viewer) ? this.#parts.repository.body() : null;
  }

  async results(
    viewer: Viewer,
    from: number,
    count: number,
  ): Promise<readonly BatchResultBody[] | null> {
    return this.#mayBeSeenBy(viewer) ? this.#parts.repository.results(from, count) : null;
  }

  async cancel(viewer: Viewer): Promise<BatchBody | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    await cancelBatch(this.#parts);
    return this.#parts.repository.body();
  }

  async delete(viewer: Viewer): Promise<Deletion | null> {
    if (!this.#mayBeSeenBy(viewer)) return null;
    const { repository } = this.#parts;
    if (this.#forgetAt() === null) return "still running";
    repository.delete();
    return (await this.#finishDeleting()) ? "deleted" : "deleting";
  }

  /** Erases the batch of an account that is erased: cancelled where it is being made. False while something of it is left: call again. */
  async eraseOf(accountId: string): Promise<boolean> {
    const { repository } = this.#parts;
    if (repository.terms()?.accountId !== accountId) return true;
    if (this.#forgetAt() === null) await cancelBatch(this.#parts);
    if (this.#forgetAt() === null) return false;
    repository.delete();
    return await this.#finishDeleting();
  }

  async itemForgotten(index: number, answerId: string): Promise<void> {
    this.#parts.repository.forgetWords(index, answerId);
    // It is forgotten: no tables of it are paid for.
    if (this.#parts.repository.terms() === null) await this.#forget();
  }

  async itemEnded(index: number, body: AnswerBody): Promise<ItemFate> {
    const fate = itemEnded(this.#parts, index, body);
    if ((await this.ctx.storage.getAlarm()) === null) await this.#ringIn(LOOK_MS);
    this.#inBackground(advance(this.#parts));
    return fate;
  }

  /** Rings again first: the platform gives an alarm up that fails some times, and a batch that nobody looks after is never settled. */
  override async alarm(): Promise<void> {
    await this.#ringIn(LOOK_MS);
    try {
      await this.#look();
    } catch (cause) {
      logFault("a batch could not be looked after; it will be", this.ctx.id.toString(), cause);
    }
  }

  async #look(): Promise<void> {
    if (this.#parts.repository.terms() === null) return await this.#forget();
    if (this.#parts.repository.isDeleted()) {
      await this.#finishDeleting();
      return;
    }
    if (this.#forgetAt() === null) await lookAfter(this.#parts);
    const forgetAt = this.#forgetAt();
    if (forgetAt === null) return;
    if (forgetAt <= Date.now()) await this.#forgetListed();
    else await this.ctx.storage.setAlarm(forgetAt);
  }

  /** When the results of the ended batch have been kept long enough; null while there is something left to do for it. */
  #forgetAt(): number | null {
    const { repository } = this.#parts;
    const { ended_at: endedAt } = repository.body();
    const terms = repository.terms();
    if (endedAt === null || terms === null || repository.closingStep() !== null) return null;
    return Date.parse(endedAt) + terms.keeping.answerMs;
  }

  #mayBeSeenBy(viewer: Viewer): boolean {
    const terms = this.#parts.repository.terms();
    return terms !== null && !this.#parts.repository.isDeleted() && maySee(viewer, terms);
  }

  async #lookUp(
    { accountId, owner, poolOwner, requestId }: BatchTerms,
    { job, pool }: ItemOrder,
    answerId: string,
  ): Promise<Lookup> {
    const settings = settingsOf(this.env);
    const waitUntil = (work: Promise<unknown>): void => this.ctx.waitUntil(work);
    const { card } = job;
    const { FLEET } = this.env;
    const caller = { accountId, owner, poolOwner, settings, card, FLEET, requestId, waitUntil };
    const directives = { noStore: false, noCache: false, onlyIfCached: false, maxAge: null };
    const terms = { answerId, pool, directives, notLeader: null };
    return await answerCacheOf(this.env).lookUp(caller, job.question, terms);
  }

  /** The alarm does what this work does not come to: losing it costs a delay. */
  #inBackground(work: Promise<void>): void {
    this.ctx.waitUntil(work);
  }

  async #ringIn(milliseconds: number): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + milliseconds);
  }

  /** Deletes its answers, its pictures, what was told of it and its place in the list, then itself. False where the alarm has to go on with it. */
  async #finishDeleting(): Promise<boolean> {
    const { repository, answers } = this.#parts;
    const terms = repository.terms();
    if (terms === null) return true;
    await this.#ringIn(LOOK_MS);
    const { id, accountId } = terms;
    try {
      let after = "";
      for (;;) {
        const ids = repository.answersBehind(after, DELETED_AT_ONCE);
        const deletions = await Promise.all(
          ids.map((answerId) => answers.delete(answerId, { accountId, owner: null })),
        );
        if (deletions.includes("still running") || deletions.includes("deleting")) return false;
        const last = ids.at(-1);
        if (last === undefined) break;
        after = last;
      }
      await forgetPictures(this.env.IMAGES, { accountId, id });
      if (terms.isRepeatable) await ledgerOf(this.env, accountId).forgetReply(id);
      await noticesOf(this.env).forgetAbout(accountId, id);
      await this.#forgetListed();
      return true;
    } catch (cause) {
      logFault("a deleted batch's copies could not be reached; they will be", id, cause);
      return false;
    }
  }

  async #forgetListed(): Promise<void> {
    const terms = this.#parts.repository.terms();
    if (terms !== null) await new BatchIndex(this.env.DB).forget(terms.id);
    await this.#forget();
  }

  async #forget(): Promise<void> {
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#opened = undefined;
  }

  /** Opened at the first call: its tables must not come back by themselves once they are deleted. */
  get #parts(): BatchParts {
    this.#opened ??= this.#openParts();
    return this.#opened;
  }

  #openParts(): BatchParts {
    const store = durableStore(this.ctx.storage);
    const index = new BatchIndex(this.env.DB);
    return {
      repository: openBatchRepository(store, () => Date.now()),
      orders: openBatchOrders(store),
      answers: answersOf(this.env),
      lookUp: (terms, item, answerId) => this.#lookUp(terms, item, answerId),
      keepPictures: ({ accountId, id }, question) =>
        keptQuestion(this.env.IMAGES, { accountId, id }, question),
      ledgerOf: (accountId) => ledgerOf(this.env, accountId),
      notices: noticesOf(this.env),
      index: (_accountId, body) => index.end(body),
      share: settingsOf(this.env).accountPlaces,
      newAnswerId: newAnswerId,
      now: () => Date.now(),
    };
  }
}
