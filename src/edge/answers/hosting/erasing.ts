import { logFault } from "../../log.ts";
import { drainOutbox } from "../making/completion-outbox.ts";
import type { AnswerTerms } from "../storage/answer-order.ts";
import type { AnswerRepository } from "../storage/answer-repository.ts";
import { TASK_LIFETIME_MS } from "../storage/answer-retention.ts";
import type { AnswerReach } from "./answer-reach.ts";

/** A queue's message may come so long after the answer: until then it is said that the answer is to be listed no more. */
const LATE_MESSAGE_MS = 14 * 24 * 3_600_000;

/** The list learns of an answer within seconds; one that ended longer ago than this is in it. */
const LISTED_WITHIN_MS = 24 * 3_600_000;

/** Why an answer is erased: somebody deleted it, or its time is over, when what was told of it has a time of its own. */
export type ErasureCause = "deleted" | "over";

/**
 * Does what is left to do for an erased answer, and takes away what lies elsewhere: pictures, the reply of its Idempotency-Key, its
 * place in the list; of one that was deleted the cached answer, its webhooks' bodies and the results of its batch too. May be
 * repeated. False where something could not be reached.
 */
export async function eraseElsewhere(
  repository: AnswerRepository,
  terms: AnswerTerms,
  reach: AnswerReach,
  cause: ErasureCause,
): Promise<boolean> {
  const { job } = terms;
  try {
    await drainOutbox(repository, terms, reach.targets(job.accountId));
    const ended = repository.ended();
    const age = Date.now() - (ended?.at ?? 0);
    if (ended !== null && ended.tasks.length > 0 && age < TASK_LIFETIME_MS) return false;
    await reach.removePictures(job, repository.picturePlaces());
    if (terms.isRepeatable) await reach.ledgerOf(job.accountId).forgetReply(job.id);
    if (cause === "deleted") await forgetCopies(terms, reach);
    if (terms.keeping.isStored)
      await reach.unlist(job.id, age < LISTED_WITHIN_MS ? Date.now() + LATE_MESSAGE_MS : null);
    return true;
  } catch (fault) {
    logFault("an erased answer's copies could not be reached; they will be", job.id, fault);
    return false;
  }
}

async function forgetCopies(
  { job, cacheKey, payment }: AnswerTerms,
  reach: AnswerReach,
): Promise<void> {
  const { cache, notices, batches } = reach.targets(job.accountId);
  if (cacheKey !== null) await cache.forget(cacheKey, job.id);
  await notices.forgetAbout(job.accountId, job.id);
  if (payment.kind === "batch") await batches.itemForgotten(payment.batchId, payment.index, job.id);
}
