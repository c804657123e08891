import type { AnswerCompleted, AnswerEvent } from "#domain/event.ts";
import type { Micros } from "#domain/micros.ts";
import type { AnswerBody } from "#wire/responses.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { attempt } from "./attempt.ts";

/** How an answer in the making is paid for. */
export interface Payment {
  readonly ledger: Pick<Ledger, "capture" | "release">;
  /** The answer's id, under which its price is held. */
  readonly holdId: string;
  /** What was quoted: the charge of a completed answer. */
  readonly price: Micros;
  /** The charge of an answer that was left after so many steps. */
  readonly priceOfSteps: (steps: number) => Micros;
  /**
   * Whether the caller will come back for the answer, by an Idempotency-Key. Then it is made to its end and kept even
   * when nobody listens any more, so that who lost the connection is charged once and gets what was paid for. Holds as
   * far as the platform keeps a Worker up without its caller: see `answer` in routes/answers.ts.
   */
  readonly isRepeatable: boolean;
  readonly bodyOf: (completed: AnswerCompleted, charged: Micros) => AnswerBody;
  /** Called once the money is settled, or will be by the hold's expiry. */
  readonly onSettled: () => void;
}

/** An event with its bill: a completed answer has been charged, and stored if it can be asked for again. */
export type PaidEvent =
  | Exclude<AnswerEvent, AnswerCompleted>
  | { readonly kind: "answer.completed"; readonly body: AnswerBody };

/**
 * Tells an answer's events and settles its hold before the last of them: completed charges the quote, failed nothing. A
 * caller who leaves in between, by the loop or by aborting the signal that `events` follow, pays the steps that ran.
 */
export async function* payFor(
  events: AsyncIterable<AnswerEvent>,
  payment: Payment,
): AsyncGenerator<PaidEvent, void, undefined> {
  const source = events[Symbol.asyncIterator]();
  let steps = 0;
  let isSettled = false;
  try {
    for (;;) {
      const event = await nextOf(source);
      if (event.kind === "answer.frame") steps = event.step;
      const isEnd = event.kind === "answer.completed" || event.kind === "answer.failed";
      const paid = await settled(event, payment);
      isSettled = isEnd;
      yield paid;
      if (isEnd) return;
    }
  } finally {
    if (!isSettled) await settleLeft(source, steps, payment);
    payment.onSettled();
  }
}

async function nextOf(source: AsyncIterator<AnswerEvent>): Promise<AnswerEvent> {
  const result = await source.next();
  if (result.done === true) throw new Error("the events of an answer have no end");
  return result.value;
}

/**
 * Where the ledger cannot be reached, the end is told all the same: a charge whose confirmation was lost has its answer,
 * and one that never came about ends with the hold. Nobody ever pays for an answer that reads as failed.
 */
async function settled(event: AnswerEvent, payment: Payment): Promise<PaidEvent> {
  const { ledger, holdId, price, bodyOf } = payment;
  if (event.kind === "answer.failed") await attempt(holdId, () => ledger.release(holdId));
  if (event.kind !== "answer.completed") return event;
  const body = bodyOf(event, price);
  const { steps } = event.usage;
  const reply = payment.isRepeatable ? JSON.stringify(body) : null;
  const captured = await attempt(holdId, () =>
    ledger.capture({ holdId, charge: price, steps, reply }),
  );
  const charged = captured?.charged ?? price;
  return { kind: event.kind, body: charged === price ? body : bodyOf(event, charged) };
}

/** Settles an answer that nobody listens to any more. */
async function settleLeft(
  source: AsyncIterator<AnswerEvent>,
  steps: number,
  payment: Payment,
): Promise<void> {
  const { ledger, holdId, priceOfSteps, isRepeatable } = payment;
  try {
    if (isRepeatable) {
      for (;;) {
        const event = await nextOf(source);
        await settled(event, payment);
        if (event.kind === "answer.completed" || event.kind === "answer.failed") return;
      }
    }
    const charge = priceOfSteps(steps);
    if (steps === 0) await attempt(holdId, () => ledger.release(holdId));
    else await attempt(holdId, () => ledger.capture({ holdId, charge, steps, reply: null }));
  } finally {
    await source.return?.();
  }
}
