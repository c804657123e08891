import type { Notice, NoticeType } from "#domain/notice.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import type { Batches } from "../../batches/batch-service.ts";
import type { AnswerCache } from "../../cache/answer-cache.ts";
import type { Ledger } from "../../ledger/ledger-service.ts";
import { logFault } from "../../log.ts";
import type { Notices } from "../../webhooks/notices.ts";
import type { AnswerTable } from "../answer-index.ts";
import type { AnswerOrder } from "../answer-service.ts";
import type {
  AnswerRepository,
  AnswerTerms,
  Duty,
  EndedAnswer,
} from "../storage/answer-repository.ts";
import { settle } from "./payment.ts";

/** Whom an ended answer concerns. Every call of them may be repeated. */
export interface Duties {
  readonly ledgerOf: (accountId: string) => Pick<Ledger, "capture" | "release">;
  /** Tells answers that it is their turn, without waiting for it. */
  readonly call: (answerIds: readonly string[]) => void;
  readonly notices: Pick<Notices, "accept" | "acceptAt">;
  readonly cache: Pick<AnswerCache, "store" | "abandon">;
  readonly batches: Pick<Batches, "itemEnded">;
  readonly table: Pick<AnswerTable, "end">;
}

/** Says what is to be done for an answer that ended like this. */
export function dutiesOf(
  { payment, cacheKey, webhook }: AnswerOrder,
  { status, cached }: AnswerBody,
): readonly Duty[] {
  return [
    ...(payment.kind === "hold" ? (["settle"] as const) : []),
    ...(payment.kind === "batch" ? (["report"] as const) : []),
    ...(cacheKey === null || cached ? [] : (["cache"] as const)),
    ...(isTold({ payment, webhook }, status) ? (["tell"] as const) : []),
    "list",
  ];
}

/** Who cancels knows it already; an answer of a batch is told by the batch, unless it names an address of its own. */
function isTold(
  { payment, webhook }: Pick<AnswerOrder, "payment" | "webhook">,
  status: AnswerBody["status"],
): boolean {
  return status !== "cancelled" && (payment.kind === "hold" || webhook !== null);
}

/**
 * Does every duty that is left but those `done` already, the payment first, so that the others know what was charged. What
 * fails is logged and left to the next call. Keeps what is done in one write: each costs the next answer's time.
 */
export async function fulfil(
  repository: Pick<AnswerRepository, "ended" | "settled" | "done">,
  terms: AnswerTerms,
  duties: Duties,
  done: readonly Duty[] = [],
): Promise<void> {
  const attempted = async (duty: Duty, work: () => Promise<void>): Promise<Duty[]> => {
    try {
      await work();
      return [duty];
    } catch (cause) {
      logFault(`answer: could not ${duty}, will be tried again`, terms.job.id, cause);
      return [];
    }
  };
  const ended = repository.ended();
  if (ended === null) return;
  const left = ended.duties.filter((duty) => !done.includes(duty));
  if (left.includes("settle"))
    await attempted("settle", async () => {
      const ledger = duties.ledgerOf(terms.job.accountId);
      const { charged, called } = await settle(ended.body, terms.isRepeatable, ledger);
      repository.settled(charged);
      duties.call(called);
    });
  const paid = repository.ended() ?? ended;
  const others = left.filter((duty) => duty !== "settle");
  const results = await Promise.all(
    others.map((duty) => attempted(duty, () => perform(duty, terms, paid, duties))),
  );
  const all = [...done, ...results.flat()];
  if (all.length > 0) repository.done(all);
}

async function perform(
  duty: Exclude<Duty, "settle">,
  terms: AnswerTerms,
  { body, at, decoder }: EndedAnswer,
  { notices, cache, batches, table }: Duties,
): Promise<void> {
  const { job, cacheKey, payment, webhook, noticeId } = terms;
  switch (duty) {
    case "report":
      if (payment.kind === "batch") await batches.itemEnded(payment.batchId, payment.index, body);
      return;
    case "cache":
      if (cacheKey === null) return;
      // The key has this Worker's version in it: a function of another one, while one replaces the other, fills none.
      return decoder === DECODER_VERSION
        ? await cache.store(cacheKey, body)
        : await cache.abandon(cacheKey, job.id);
    case "tell": {
      const type: NoticeType = `answer.${body.status as "completed" | "partial" | "failed"}`;
      const whose = ownedBy(terms);
      const notice = { ...whose, id: noticeId, type, at, data: body };
      if (payment.kind === "hold") return await notices.accept(notice, webhook);
      if (webhook !== null) await notices.acceptAt(notice, webhook);
      return;
    }
    case "list":
      return await table.end(terms, body);
    default:
      return duty satisfies never;
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
