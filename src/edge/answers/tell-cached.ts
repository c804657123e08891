import { type Micros, ZERO } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import { ok, type Result } from "#domain/result.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { warningBodies } from "#wire/warnings.ts";
import type { CacheOutcome } from "../cache/answer-cache.ts";
import { newId } from "../id.ts";
import { viewerOf } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import type { Held } from "../ledger/ledger-service.ts";
import { settling } from "../ledger/settling.ts";
import { noticesOf } from "../webhooks/notice-client.ts";
import { withRetry } from "../with-retry.ts";
import { answersOf } from "./answer-client.ts";
import { type Admitted, atOnce, type PaidAnswer, type RefusedAsk } from "./asking.ts";
import { holdOf } from "./holds.ts";
import { keepingIn, keepJob, orderOf } from "./make-answer.ts";
import { keptAs, ownedBy } from "./making/completion-outbox.ts";
import { hitPriceOf } from "./making/payment.ts";
import type { CacheResolution } from "./resolve-cache.ts";
import { storedAnswer } from "./storage/stored-answers.ts";

/** An answer that another question brought about. */
type Found = Extract<CacheResolution, { kind: "hit" | "collapsed" }>;

/** Tells an answer that another question brought about, and charges what such answers cost. */
export async function tellCached(
  admitted: Admitted,
  found: Found,
): Promise<Result<PaidAnswer, RefusedAsk>> {
  const { caller, asking, job } = admitted;
  const { request } = asking;
  const price = found.body.status === "completed" ? hitPriceOf(job) : ZERO;
  const body: AnswerBody = {
    ...found.body,
    cached: true,
    charged_micros: Number(price),
    // Equal questions need not have been sent as equal requests: what was left out is each caller's own.
    warnings: warningBodies(job.warnings),
  };
  const paid = await pay(admitted, body, price);
  if (!paid.ok) return paid;
  if (paid.value.kind === "replay") return ok(paid.value);
  // Losing it means that this hit cannot be read again under its id; the reply has it all.
  if (body.id === job.id) await recorded(admitted, body);
  if (request.webhook !== null) {
    const notice: Notice = {
      id: newId("evt"),
      type: body.status === "completed" ? "answer.completed" : "answer.partial",
      ...keptAs(keepingIn(admitted)),
      ...ownedBy({ job, owner: viewerOf(caller.key, caller.clientToken).owner }),
      at: Date.now(),
      data: body,
    };
    await noticesOf(caller.bindings).acceptAt(notice, request.webhook);
  }
  const { allowances } = paid.value;
  const told = { kind: "body", body } as const;
  const cache = outcomeOf(found);
  const answer = { answerId: body.id, told, allowances, cache, timings: atOnce };
  return ok({ kind: "paid", answer });
}

/** Free answers that need not be recognised again leave the ledger alone. */
async function pay(
  { caller, asking, job, isRated }: Admitted,
  body: AnswerBody,
  price: Micros,
): Promise<Result<Held, RefusedAsk>> {
  const { idempotency, request } = asking;
  if (price === ZERO && idempotency === null)
    return ok({ kind: "held", allowances: [], hasPlace: false });
  const ledger = ledgerOf(caller.bindings, job.accountId);
  const { maximum } = request;
  const place = { share: null, isShared: false };
  const terms = { amount: price, steps: 0, maximum, idempotency, isRated, ...place };
  const held = await ledger.hold(holdOf(caller, job, terms));
  if (!held.ok || held.value.kind === "replay") return held;
  const reply = idempotency === null ? null : storedAnswer.write(body);
  const capture = { holdId: job.id, charge: price, steps: 0, reply };
  await withRetry(() => ledger.capture(capture), settling(job.id));
  return held;
}

/** Whoever may go on from the answer with the next request has it recorded before it is told. */
async function recorded(admitted: Admitted, body: AnswerBody): Promise<void> {
  const recording = record(admitted, body);
  admitted.caller.waitUntil(recording);
  if (admitted.asking.response !== undefined) await recording.catch(() => undefined);
}

async function record(admitted: Admitted, body: AnswerBody): Promise<void> {
  const terms = { cacheKey: null, follows: null, hasPlace: false };
  const order = orderOf(admitted, await keepJob(admitted), terms);
  const unpaid = { isRepeatable: false, isAccepted: false, webhook: null };
  await answersOf(admitted.caller.bindings).record({ ...order, ...unpaid }, body);
}

function outcomeOf(found: Found): CacheOutcome {
  const { key } = found;
  if (found.kind === "collapsed") return { kind: "collapsed", key };
  const { ageSeconds, ttlSeconds } = found;
  return { kind: "hit", key, ageSeconds, ttlSeconds };
}
