import { least, type Micros, micros, ZERO } from "#domain/micros.ts";
import { priceOfSteps } from "#domain/quote.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import type { Captured, Ledger } from "../../ledger/ledger-service.ts";
import { notKeptReply } from "../../ledger/storage/not-kept.ts";
import type { AnswerTerms, Job } from "../storage/answer-order.ts";
import { listedEnd } from "../storage/listed-end.ts";
import { storedAnswer } from "../storage/stored-answers.ts";
import type { GenerationEnd } from "./generation-attempts.ts";

/**
 * What an answer costs that ended like this: completed its quote, however early it ended; partial and cancelled the steps
 * that ran, never more than the quote; failed nothing.
 */
export function chargeOf(end: GenerationEnd, job: Pick<Job, "quote" | "work" | "card">): Micros {
  switch (end.kind) {
    case "answer.completed":
      return job.quote.price;
    case "answer.partial":
    case "answer.cancelled":
      return priceOfSteps(job.work, job.card.prices, end.usage.steps);
    case "answer.failed":
      return ZERO;
    default:
      return end satisfies never;
  }
}

/** What an answer costs that took part in the work of another, which pays for it: completed what one from the cache costs. */
export function sharedChargeOf({ kind }: GenerationEnd, job: Pick<Job, "quote" | "card">): Micros {
  return kind === "answer.completed" ? hitPriceOf(job) : ZERO;
}

/** What a completed answer costs that was not made for its question: one price for all, and never more than the quote. */
export function hitPriceOf({ card, quote }: Pick<Job, "quote" | "card">): Micros {
  return least(card.hitPrice, quote.price);
}

/**
 * Settles the hold of an ended answer with what its body says, and returns what was charged (nothing where the hold has
 * expired) and whose turn it is then. May be repeated: the ledger charges a hold once. Rejects where the ledger cannot be reached.
 */
export async function settle(
  body: AnswerBody,
  terms: RepliedTerms,
  ledger: Pick<Ledger, "capture" | "release">,
): Promise<Captured> {
  const charge = micros(body.charged_micros);
  if (charge === ZERO && body.status !== "completed") {
    const { called } = await ledger.release(body.id);
    return { charged: ZERO, called, isListed: false };
  }
  const reply = replyOf(body, terms);
  // Steps that another answer ran are in its usage.
  const steps = body.cached ? 0 : body.usage.steps;
  const listed = terms.keeping.isStored ? listedEnd(body) : null;
  const capture = { holdId: body.id, charge, steps, reply };
  return await ledger.capture(listed === null ? capture : { ...capture, listed });
}

/** What of an order decides what is kept of its reply. */
type RepliedTerms = Pick<AnswerTerms, "isRepeatable" | "keeping"> & {
  /** Whether its words are gone already. */
  readonly isErased?: boolean;
};

/** The reply as a request that is repeated is told it; null where none can be. */
function replyOf(
  body: AnswerBody,
  { isRepeatable, keeping, isErased = false }: RepliedTerms,
): string | null {
  if (!isRepeatable) return null;
  return keeping.isStored && !isErased ? storedAnswer.write(body) : notKeptReply(body.id);
}
