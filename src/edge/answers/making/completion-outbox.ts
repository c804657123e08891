import type { Notice, NoticeType } from "#domain/notice.ts";
import { type AnswerKeeping, UNSTORED_NOTICE_MS } from "#domain/retention.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import type { AnswerCache } from "../../cache/answer-cache.ts";
import type { Captured, Ledger } from "../../ledger/ledger-service.ts";
import type { Notices } from "../../webhooks/notices.ts";
import { untilNextAlarm, withRetry } from "../../with-retry.ts";
import type {
  AnswerOrder,
  AnswerTerms,
  CompletionTask,
  EndedAnswer,
} from "../storage/answer-order.ts";
import type { AnswerRepository } from "../storage/answer-repository.ts";
import { settle } from "./payment.ts";

/** Where a batch hears how the answer of one of its items ended. */
export interface BatchReports {
  /** Says whether the item is tried again, under another id; undefined of a batch that does not say. */
  itemEnded(batchId: string, index: number, body: AnswerBody): Promise<ItemFate | undefined>;
  /** The words of an item's answer were deleted. */
  itemForgotten(batchId: string, index: number, answerId: string): Promise<void>;
}

/** What becomes of an item whose answer has ended. */
export type ItemFate = "ended" | "again" | "ignored";

/** What an ended answer is reported to. Every call may be repeated. */
export interface CompletionTargets {
  readonly ledgerOf: (accountId: string) => Pick<Ledger, "capture" | "release">;
  /** Tells answers that it is their turn, without waiting for it. */
  readonly call: (answerIds: readonly string[]) => void;
  readonly notices: Pick<Notices, "accept" | "acceptAt" | "forgetAbout">;
  readonly cache: Pick<AnswerCache, "store" | "abandon" | "forget">;
  readonly batches: BatchReports;
  readonly index: { end(terms: AnswerTerms, body: AnswerBody): Promise<void> };
}

/** Says what is to be done for an answer that ended like this. */
export function completionTasksOf(
  {
    payment,
    cacheKey,
    webhook,
    keeping,
  }: Pick<AnswerOrder, "payment" | "cacheKey" | "webhook" | "keeping">,
  { status, cached }: AnswerBody,
): readonly CompletionTask[] {
  return [
    ...(payment.kind === "hold" ? (["settle"] as const) : []),
    ...(payment.kind === "batch" ? (["report"] as const) : []),
    ...(cacheKey === null || cached ? [] : (["cache"] as const)),
    ...(isTold({ payment, webhook }, status) ? (["tell"] as const) : []),
    ...(keeping.isStored ? (["list"] as const) : []),
  ];
}

/** A caller that cancels knows it already; an answer of a batch is told by the batch, unless it names an address of its own. */
function isTold(
  { payment, webhook }: Pick<AnswerOrder, "payment" | "webhook">,
  status: AnswerBody["status"],
): boolean {
  return status !== "cancelled" && (payment.kind === "hold" || webhook !== null);
}

/**
 * Does every task that is left but those `done` already, the payment first, so that the others know what was charged. What
 * fails is logged and left to the next call. Keeps what is done in one write: each costs the next answer's time.
 */
export async function drainOutbox(
  repository: Pick<AnswerRepository, "ended" | "settled" | "done" | "isErased">,
  terms: AnswerTerms,
  targets: CompletionTargets,
  done: readonly CompletionTask[] = [],
): Promise<void> {
  const ended = repository.ended();
  if (ended === null) return;
  const all = [...done];
  if (ended.tasks.includes("settle") && !done.includes("settle"))
    await goesThrough("settle", terms, async () => {
      const ledger = targets.ledgerOf(terms.job.accountId);
      const settled = await settle(ended.body, { ...terms, isErased: repository.isErased }, ledger);
      repository.settled(settled.charged);
      targets.call(settled.called);
      all.push(...tasksDone(settled));
    });
  const paid = repository.ended() ?? ended;
  const others = ended.tasks
    .filter((task) => task !== "settle")
    .filter((task) => !all.includes(task));
  const succeeded = await Promise.all(
    others.map((task) => goesThrough(task, terms, () => perform(task, terms, paid, targets))),
  );
  all.push(...others.filter((_, place) => succeeded[place]));
  if (all.length > 0) repository.done(all);
}

/** What is done once an answer is settled: most are listed with their usage. */
export function tasksDone({ isListed }: Pick<Captured, "isListed">): readonly CompletionTask[] {
  return isListed ? ["settle", "list"] : ["settle"];
}

async function goesThrough(
  task: CompletionTask,
  { job }: AnswerTerms,
  work: () => Promise<void>,
): Promise<boolean> {
  return await withRetry(
    async () => {
      await work();
      return true;
    },
    untilNextAlarm(`answer: could not ${task}, will be tried again`, job.id),
  );
}

async function perform(
  task: Exclude<CompletionTask, "settle">,
  terms: AnswerTerms,
  { body, at, decoder }: EndedAnswer,
  { notices, cache, batches, index }: CompletionTargets,
): Promise<void> {
  const { job, cacheKey, payment, webhook, noticeId } = terms;
  switch (task) {
    case "report":
      if (payment.kind === "batch") await batches.itemEnded(payment.batchId, payment.index, body);
      return;
    case "cache":
      if (cacheKey === null) return;
      // The key has this Worker's version in it: a function of another one, while one replaces the other, fills none.
      return decoder === DECODER_VERSION
        ? await cache.store(cacheKey, body, at + terms.keeping.answerMs)
        : await cache.abandon(cacheKey, job.id);
    case "tell": {
      const type: NoticeType = `answer.${body.status as "completed" | "partial" | "failed"}`;
      const whose = { ...ownedBy(terms), ...keptAs(terms.keeping) };
      const notice = { ...whose, id: noticeId, type, at, data: body };
      if (payment.kind === "hold") return await notices.accept(notice, webhook);
      // What is told of an item is its end, and a failure that passes is none: its next answer tells.
      if (body.error?.retryable === true) {
        const fate = await batches.itemEnded(payment.batchId, payment.index, body);
        if (fate === "again") return;
      }
      if (webhook !== null) await notices.acceptAt(notice, webhook);
      return;
    }
    case "list":
      return await index.end(terms, body);
    default:
      return task satisfies never;
  }
}

/** Whose a notice of an answer is. */
export function ownedBy({
  job,
  owner,
}: {
  readonly job: Pick<AnswerTerms["job"], "accountId">;
  readonly owner: AnswerTerms["owner"];
}): Pick<Notice, "accountId" | "owner"> {
  return { accountId: job.accountId, ...(owner === null ? {} : { owner }) };
}

/** How long what is told of an answer is kept: as long as is said, or until it arrived. */
export function keptAs({
  isStored,
  deliveryMs,
}: AnswerKeeping): Pick<Notice, "lifetimeMs" | "patienceMs"> {
  return isStored ? { lifetimeMs: deliveryMs } : { lifetimeMs: 0, patienceMs: UNSTORED_NOTICE_MS };
}
