import { toNumber } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import type { BatchBody } from "#wire/api/answers/batches.ts";
import type { Answers } from "../answers/answer-service.ts";
import { type ItemFate, keptAs, ownedBy } from "../answers/making/completion-outbox.ts";
import type { AnswerOrder } from "../answers/storage/answer-order.ts";
import type { Lookup } from "../cache/answer-cache.ts";
import type { Ledger } from "../ledger/ledger-service.ts";
import type { AskedQuestion, KeptQuestion } from "../questions/question-picture.ts";
import type { Notices } from "../webhooks/notices.ts";
import { untilNextAlarm, withRetry } from "../with-retry.ts";
import type { RunningItem } from "./storage/batch-items.ts";
import type { BatchOrders } from "./storage/batch-orders.ts";
import type { BatchRepository, ClosingStep } from "./storage/batch-repository.ts";
import type { BatchTerms, ItemOrder } from "./storage/stored-batches.ts";
import { storedBatch } from "./storage/stored-batches.ts";

/** What a batch works with. Every call of it may be repeated. */
export interface BatchParts {
  readonly repository: BatchRepository;
  readonly orders: BatchOrders;
  readonly answers: Pick<Answers, "start" | "read" | "cancel" | "record" | "delete">;
  /** Looks for the answer of an item that would be made under this id. Never rejects. */
  readonly lookUp: (terms: BatchTerms, item: ItemOrder, answerId: string) => Promise<Lookup>;
  /** Keeps a question's pictures for the batch, should an earlier version have kept them otherwise. */
  readonly keepPictures: (terms: BatchTerms, question: AskedQuestion) => Promise<KeptQuestion>;
  readonly ledgerOf: (accountId: string) => Pick<Ledger, "renew" | "capture">;
  readonly notices: Pick<Notices, "accept">;
  /** Keeps the ended batch in the account's list. */
  readonly index: (accountId: string, body: BatchBody) => Promise<void>;
  /** How many answers of the account the functions may have at one time. */
  readonly share: number;
  readonly newAnswerId: () => string;
  readonly now: () => number;
}

/**
 * Starts as many items as may run, and closes a batch whose items have ended: captures their sum, lists it, tells it.
 * Whatever cannot be reached is logged and left to the next call; nothing is lost or done twice by calling again.
 */
export async function advance(parts: BatchParts): Promise<void> {
  const { repository, newAnswerId } = parts;
  const terms = repository.terms();
  if (terms === null) return;
  for (;;) {
    const item = repository.takeNext(newAnswerId());
    if (item === null) break;
    // An item that cannot be begun now does not hold up the others: it runs as far as anybody knows, and the alarm looks after it.
    await goesThrough("batch: begin an item", terms, () => startItem(parts, terms, item));
  }
  for (let step = repository.closingStep(); step !== null; step = repository.closingStep()) {
    if (!(await goesThrough(`batch: ${step}`, terms, () => close(parts, terms, step)))) return;
  }
}

/** Takes in how an item's answer ended, as its object reports it, and says what that is to the item. */
export function itemEnded(
  { repository, orders }: BatchParts,
  index: number,
  body: Parameters<BatchRepository["end"]>[1],
): ItemFate {
  const fate = repository.end(index, body);
  if (fate === "ended") orders.forget(index);
  return fate;
}

/**
 * Looks after a batch by the clock: keeps its hold open, asks for answers whose report was lost, starts again what no
 * object knows of, because the batch's object died between writing the row and starting the answer. Behind its deadline that is cancelled.
 */
export async function lookAfter(parts: BatchParts): Promise<void> {
  const { repository, answers, ledgerOf } = parts;
  const terms = repository.terms();
  if (terms === null) return;
  const { id, accountId } = terms;
  if (repository.closingStep() === null || repository.closingStep() === "settle")
    await goesThrough("batch: renew", terms, () => ledgerOf(accountId).renew(id));
  if (repository.isCancelled()) return await cancelBatch(parts);
  for (const item of repository.running()) {
    await goesThrough("batch: read an item", terms, async () => {
      const body = await answers.read(item.answerId, { accountId, owner: null });
      if (body !== null) itemEnded(parts, item.index, body);
      // Like what waited for its turn until then: the batch ends, also where this item could not be begun in all its time.
      else if (terms.deadlineAt <= parts.now()) repository.abandon(item.index, item.answerId);
      else await startItem(parts, terms, item);
    });
  }
  await advance(parts);
}

/** Stops a batch: what waits is cancelled, what runs is told to stop where it stands. */
export async function cancelBatch(parts: BatchParts): Promise<void> {
  const { repository, answers } = parts;
  const terms = repository.terms();
  if (terms === null) return;
  repository.cancel();
  for (const { index, answerId } of repository.running()) {
    await goesThrough("batch: cancel an item", terms, async () => {
      const body = await answers.cancel(answerId, { accountId: terms.accountId, owner: null });
      if (body === null) repository.abandon(index, answerId);
      else itemEnded(parts, index, body);
    });
  }
  await advance(parts);
}

/**
 * Tells an item the answer that its question had before, or has it made: a start whose reply is lost leaves it running under
 * its id, and `lookAfter` finds out whether it does. An item that was cancelled meanwhile is not made: nobody would pay for it.
 */
async function startItem(parts: BatchParts, terms: BatchTerms, item: RunningItem): Promise<void> {
  const { index, answerId } = item;
  const { answers, lookUp, repository } = parts;
  const { job, ...rest } = parts.orders.read(index);
  const question = await parts.keepPictures(terms, job.question);
  const kept: ItemOrder = { ...rest, job: { ...job, question } };
  const found = await lookUp(terms, kept, answerId);
  if (!repository.isRunning(item)) return;
  const order = answerOrderOf(parts, terms, item, kept);
  if (found.kind === "hit") {
    // What such answers cost is one price for all; no item is charged above its own quote.
    const charged_micros = Math.min(found.body.charged_micros, toNumber(kept.job.quote.price));
    const body = { ...found.body, id: answerId, charged_micros };
    // Losing it means that the item's answer cannot be read under its id, nor its own address be told; the results have it.
    await goesThrough("batch: keep a cached answer", terms, () => answers.record(order, body));
    itemEnded(parts, index, body);
    return;
  }
  const cacheKey = found.kind === "bypass" ? null : found.key;
  const follows =
    found.kind === "join" ? { answerId: found.leaderId, accountId: found.leaderAccountId } : null;
  const started = { ...order, cacheKey, follows };
  await goesThrough("batch: start an item", terms, () => answers.start(started));
  if (repository.isRunning(item)) return;
  const viewer = { accountId: terms.accountId, owner: null };
  await goesThrough("batch: cancel an item", terms, () => answers.cancel(answerId, viewer));
}

function answerOrderOf(
  { now, share }: BatchParts,
  terms: BatchTerms,
  { index, answerId }: RunningItem,
  { job, deadlineMs, webhook }: ItemOrder,
): AnswerOrder {
  return {
    job: { ...job, id: answerId, createdAt: now() },
    keyId: terms.keyId,
    owner: terms.owner,
    requestId: terms.requestId,
    traceparent: terms.traceparent,
    deadlineAt: Math.min(
      terms.deadlineAt,
      deadlineMs === null ? Number.POSITIVE_INFINITY : now() + deadlineMs,
    ),
    isRepeatable: false,
    payment: { kind: "batch", batchId: terms.id, index },
    webhook,
    cacheKey: null,
    follows: null,
    isAccepted: true,
    share,
    hasPlace: false,
    numerics: null,
    keeping: terms.keeping,
  };
}

async function close(
  { repository, orders, ledgerOf, index, notices, now }: BatchParts,
  terms: BatchTerms,
  step: ClosingStep,
): Promise<void> {
  const { id, accountId, isRepeatable } = terms;
  switch (step) {
    case "settle": {
      const { charge, steps, answers } = repository.charge();
      const { charged } = await ledgerOf(accountId).capture({
        holdId: id,
        charge,
        steps,
        answers,
        reply: isRepeatable ? storedBatch.write(repository.closedBody(charge)) : null,
      });
      orders.forgetAll();
      return repository.settled(charged);
    }
    case "index":
      await index(accountId, repository.body());
      return repository.indexed();
    case "tell": {
      const notice: Notice = {
        id: terms.noticeId,
        type: "batch.completed",
        ...ownedBy({ job: { accountId }, owner: terms.owner }),
        ...keptAs(terms.keeping),
        at: now(),
        data: repository.body(),
      };
      await notices.accept(notice, terms.webhook);
      return repository.told();
    }
    default:
      return step satisfies never;
  }
}

/** Makes a call once; says whether it went through. */
async function goesThrough(
  what: string,
  { id }: BatchTerms,
  call: () => Promise<unknown>,
): Promise<boolean> {
  return await withRetry(
    async () => {
      await call();
      return true;
    },
    untilNextAlarm(`${what} did not succeed and will be tried again`, id),
  );
}
