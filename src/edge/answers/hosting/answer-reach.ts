import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { answerCacheOf, type CacheBinding } from "../../cache/cache-client.ts";
import { dispatch, type ServingFleet } from "../../fleet/dispatch.ts";
import type { FleetBinding } from "../../fleet/fleet-client.ts";
import { type LedgerBinding, ledgerOf } from "../../ledger/ledger-client.ts";
import type { Ledger } from "../../ledger/ledger-service.ts";
import { logFault } from "../../log.ts";
import { fleetServing } from "../../models/serving.ts";
import type { ObjectsOf } from "../../objects.ts";
import {
  deletePictures,
  keptQuestion,
  type PictureOwner,
  type PicturesBinding,
} from "../../questions/picture-store.ts";
import type { AskedQuestion, KeptQuestion } from "../../questions/question-picture.ts";
import { type SettingVariables, settingsOf } from "../../settings.ts";
import { type NoticeBinding, noticesOf } from "../../webhooks/notice-client.ts";
import { type AnswerBinding, type AnswerCalls, answersOf } from "../answer-client.ts";
import type { Answers } from "../answer-service.ts";
import type { RunnerParts } from "../making/answer-runner.ts";
import type { CompletionTargets, ItemFate } from "../making/completion-outbox.ts";
import type { DraftTeller } from "../making/draft-teller.ts";
import { AnswerIndex } from "../storage/answer-index.ts";
import type { StoredOrder } from "../storage/answer-order.ts";
import type { AnswerRepository } from "../storage/answer-repository.ts";
import { tracedDispatch } from "./traced-dispatch.ts";

/** What whoever makes answers is bound to: their objects, and those of batches. */
export interface MakingBindings
  extends SettingVariables,
    AnswerBinding,
    CacheBinding,
    FleetBinding,
    LedgerBinding,
    NoticeBinding,
    PicturesBinding {
  readonly DB: D1Database;
}

/** What an answer's object is bound to. */
export interface AnswerBindings extends MakingBindings {
  /** The batches, as far as the answers of their items report to them. */
  readonly BATCHES: ObjectsOf<{
    itemEnded(index: number, body: AnswerBody): Promise<ItemFate | undefined>;
    itemForgotten(index: number, answerId: string): Promise<void>;
  }>;
}

/** An answer that is made faster than a client could list it costs one row written, not two. */
const LIST_AFTER_MS = 500;

/** What an answer's object reaches: the function, other objects, D1. What nobody waits for is logged where it fails. */
export class AnswerReach {
  readonly #env: AnswerBindings;
  readonly #answers: Answers;
  readonly #inBackground: (work: Promise<void>) => void;

  /** `own` hands out the object itself for its own name. */
  constructor(
    env: AnswerBindings,
    own: (name: string) => AnswerCalls | null,
    inBackground: (work: Promise<void>) => void,
  ) {
    this.#env = env;
    this.#answers = answersOf(env, own);
    this.#inBackground = inBackground;
  }

  /** What a runner of the account's answers reaches. `onSent` is called when an order is on its way to the function. */
  runnerParts(accountId: string, onSent: () => void): Omit<RunnerParts, "onFrame" | "onEnd"> {
    return {
      dispatch: (order, signal, wanted) =>
        tracedDispatch(order, (traceparent) => {
          const { job, owner, requestId, deadlineAt, alternatives, keeping } = order;
          const means = {
            settings: settingsOf(this.#env),
            fleetOf: (model: string) => this.#fleetOf(model, requestId),
            pictures: this.#env.IMAGES,
            random: Math.random,
            now: Date.now,
          };
          const { isStored } = keeping;
          const asked = { owner, isStored, requestId, deadlineAt, alternatives, ...wanted };
          return dispatch(job, means, { ...asked, traceparent, signal, onSent });
        }),
      answers: this.#answers,
      succeed: async ({ job: { id: answerId }, cacheKey }, lost) =>
        cacheKey === null
          ? { answerId, accountId }
          : await answerCacheOf(this.#env).succeed(cacheKey, { answerId, accountId }, lost),
      ledgerOf: (id) => this.ledgerOf(id),
      call: (ids) => this.#call(accountId, ids),
      now: Date.now,
    };
  }

  ledgerOf(accountId: string): Ledger {
    return ledgerOf(this.#env, accountId);
  }

  /** What an ended answer of the account is reported to. */
  targets(accountId: string): CompletionTargets {
    return {
      ledgerOf: (id) => this.ledgerOf(id),
      call: (ids) => this.#call(accountId, ids),
      notices: noticesOf(this.#env),
      cache: answerCacheOf(this.#env),
      batches: {
        itemEnded: async (batchId, index, body) =>
          await this.#env.BATCHES.getByName(batchId).itemEnded(index, body),
        itemForgotten: async (batchId, index, answerId) =>
          await this.#env.BATCHES.getByName(batchId).itemForgotten(index, answerId),
      },
      index: new AnswerIndex(this.#env.DB),
    };
  }

  /** Lists an answer that takes its time; one that does not is listed when it ends. */
  async listLate(repository: Pick<AnswerRepository, "terms" | "ended">): Promise<void> {
    await scheduler.wait(LIST_AFTER_MS);
    const terms = repository.terms();
    if (terms === null || repository.ended() !== null || !terms.keeping.isStored) return;
    try {
      await new AnswerIndex(this.#env.DB).begin(terms);
    } catch (cause) {
      logFault("an answer could not be listed; it will be when it ends", terms.job.id, cause);
    }
  }

  /** Tells the canvas as it stands, where a draft is due. */
  draft(drafts: DraftTeller, order: StoredOrder, noticeId: string, body: () => AnswerBody): void {
    const at = Date.now();
    if (!drafts.isDue(order, at)) return;
    const draft = { body: body(), noticeId, at };
    const told = drafts.tell(order, draft, noticesOf(this.#env));
    const { id } = order.job;
    this.#inBackground(
      told.catch((cause: unknown) => logFault("a draft could not be told", id, cause)),
    );
  }

  /** A question out of rows, with its pictures where they are kept. */
  async keptQuestion(owner: PictureOwner, question: AskedQuestion): Promise<KeptQuestion> {
    return await keptQuestion(this.#env.IMAGES, owner, question);
  }

  /** What cannot be reached now, the bucket's own rule deletes. */
  async deletePictures(owner: PictureOwner, places: readonly string[]): Promise<void> {
    await this.removePictures(owner, places).catch((cause: unknown) =>
      logFault("an answer's pictures could not be deleted", owner.id, cause),
    );
  }

  /** As `deletePictures`, and rejects where the bucket cannot be reached. */
  async removePictures(owner: PictureOwner, places: readonly string[]): Promise<void> {
    await deletePictures(this.#env.IMAGES, owner, places);
  }

  /** Takes an answer that is not kept any more from the list. `until`: milliseconds since 1970 before which it might be listed again by a message that is late; null where none is. */
  async unlist(answerId: string, until: number | null): Promise<void> {
    await new AnswerIndex(this.#env.DB).forget(answerId, until);
  }

  #fleetOf(model: string, requestId: string): Promise<ServingFleet> {
    const waitUntil = (work: Promise<unknown>): void =>
      this.#inBackground(
        work.then(
          () => undefined,
          () => undefined,
        ),
      );
    const { FLEET } = this.#env;
    return fleetServing(model, settingsOf(this.#env), { FLEET, requestId, waitUntil });
  }

  #call(accountId: string, ids: readonly string[]): void {
    for (const answerId of ids)
      this.#inBackground(
        this.#answers
          .call({ accountId, answerId })
          .catch((cause: unknown) => logFault("an answer could not be called", answerId, cause)),
      );
  }
}
