import { ok, type Result } from "#domain/result.ts";
import { type AnswerKeeping, keepingOf } from "#domain/retention.ts";
import { answerCacheOf } from "../cache/cache-client.ts";
import { viewerOf } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import { settling } from "../ledger/settling.ts";
import { keepPictures } from "../questions/picture-store.ts";
import { withRetry } from "../with-retry.ts";
import { answersOf } from "./answer-client.ts";
import {
  type Admitted,
  isAccepted,
  type PaidAnswer,
  type RefusedAsk,
  type Told,
} from "./asking.ts";
import { holdOf } from "./holds.ts";
import { leaderOf, outcomeOf, type Unanswered } from "./resolve-cache.ts";
import type { AnswerOrder, KeptJob } from "./storage/answer-order.ts";

/**
 * Has an answer made: holds its price, then has its object begin and tell it. Where it cannot begin, its price is given back,
 * and so is the key of the cache that it leads.
 */
export async function makeAnswer(
  admitted: Admitted,
  resolution: Unanswered,
): Promise<Result<PaidAnswer, RefusedAsk>> {
  const { caller, job } = admitted;
  const startedAt = Date.now();
  let hasBegun = false;
  try {
    const held = await hold(admitted, resolution);
    if (!held.ok) return held;
    if (held.value.kind === "replay") return ok(held.value);
    const { allowances, hasPlace } = held.value;
    const heldAt = Date.now();
    const told = await begin(admitted, {
      cacheKey: resolution.kind === "bypass" ? null : resolution.key,
      follows: leaderOf(resolution),
      hasPlace,
    });
    hasBegun = true;
    const timings = { cacheMs: 0, queueMs: heldAt - startedAt, makingMs: Date.now() - heldAt };
    const cache = outcomeOf(resolution);
    return ok({ kind: "paid", answer: { answerId: job.id, told, allowances, cache, timings } });
  } finally {
    if (!hasBegun && resolution.kind === "lead")
      await answerCacheOf(caller.bindings).abandon(resolution.key, job.id);
  }
}

function hold(
  { caller, asking, job, isRated }: Admitted,
  resolution: Unanswered,
): ReturnType<ReturnType<typeof ledgerOf>["hold"]> {
  const { price: amount, steps } = job.quote;
  const { idempotency, request } = asking;
  const { maximum } = request;
  const place = { share: caller.settings.accountPlaces, isShared: resolution.kind === "joined" };
  const terms = { amount, steps, maximum, idempotency, isRated, ...place };
  return ledgerOf(caller.bindings, job.accountId).hold(holdOf(caller, job, terms));
}

/**
 * Keeps the pictures, has the answer begun, and waits for what its caller is to be told. What has begun stays held, whatever
 * else goes wrong. Pictures come behind the hold: who cannot pay has nothing stored.
 */
async function begin(admitted: Admitted, terms: OrderTerms): Promise<Told> {
  const { caller, asking, job } = admitted;
  const { delivery, idempotency } = asking;
  const answers = answersOf(caller.bindings);
  try {
    const order = orderOf(admitted, await keepJob(admitted), terms);
    if (delivery.kind === "events") return { kind: "events", events: await answers.stream(order) };
    const { waitMs } = delivery;
    // A caller that leaves a plain request has no id to come back with; with an Idempotency-Key, or a Prefer, it has.
    const mayCancel = idempotency === null && waitMs === null;
    return { kind: "body", body: await answers.run(order, waitMs, mayCancel ? caller : null) };
  } catch (cause) {
    const viewer = viewerOf(caller.key, caller.clientToken);
    const begun = await answers.read(job.id, viewer).catch(() => null);
    if (begun === null)
      await withRetry(
        () => ledgerOf(caller.bindings, job.accountId).release(job.id),
        settling(job.id),
      );
    throw new Error(`answer ${job.id} could not be ${begun === null ? "started" : "told"}`, {
      cause,
    });
  }
}

/** Keeps the pictures of a job for as long as its answer may be made or replayed. */
export async function keepJob({ caller, job }: Admitted): Promise<KeptJob> {
  const question = await keepPictures(caller.bindings.IMAGES, job, job.question);
  return { ...job, question };
}

type OrderTerms = Pick<AnswerOrder, "cacheKey" | "follows" | "hasPlace">;

function alternativesOf({ request }: Admitted["asking"]): Pick<AnswerOrder, "alternatives"> {
  const { alternatives = 0 } = request;
  return alternatives === 0 ? {} : { alternatives };
}

/** How long what of an answer is kept: as its account has it, or shorter where its request says so. */
export function keepingIn({ caller, asking }: Pick<Admitted, "caller" | "asking">): AnswerKeeping {
  const { settings, key } = caller;
  return keepingOf({ ...settings.retention, ...key.accountRetention }, asking.request.keeping);
}

/** Writes down what an answer is made from. */
export function orderOf(admitted: Admitted, job: KeptJob, terms: OrderTerms): AnswerOrder {
  const { caller, asking, deadlineAt } = admitted;
  const { settings, key, clientToken, requestId, traceparent } = caller;
  const { owner } = viewerOf(key, clientToken);
  return {
    job,
    keyId: key.id,
    owner,
    requestId,
    traceparent,
    deadlineAt,
    isRepeatable: asking.idempotency !== null,
    payment: { kind: "hold" },
    webhook: asking.request.webhook,
    isAccepted: isAccepted(asking),
    share: settings.accountPlaces,
    numerics: asking.numerics ?? null,
    ...alternativesOf(asking),
    keeping: keepingIn(admitted),
    ...(asking.response === undefined ? {} : { response: asking.response }),
    ...terms,
  };
}
