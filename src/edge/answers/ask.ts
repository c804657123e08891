import { untouched } from "#domain/answer-text.ts";
import type { Failure } from "#domain/failure.ts";
import type { Allowance } from "#domain/limits.ts";
import { type Micros, ZERO } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import type { Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/api/answers/requests.ts";
import { type AnswerBody, answerBody } from "#wire/api/answers/responses.ts";
import { warningBodies } from "#wire/warnings.ts";
import type { CacheDirectives, CacheOutcome } from "../cache/answer-cache.ts";
import { answerCacheOf } from "../cache/cache-client.ts";
import type { CallerContext } from "../caller-context.ts";
import { newId } from "../id.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { viewerOf } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import type {
  Held,
  HoldRequest,
  IdempotentRequest,
  RefusedHold,
} from "../ledger/ledger-service.ts";
import { settling } from "../ledger/settling.ts";
import { resolvePictures } from "../pictures/pictures.ts";
import { noticesOf } from "../webhooks/notice-client.ts";
import { mayTell } from "../webhooks/webhook-address.ts";
import { withRetry } from "../with-retry.ts";
import { admit, type Job } from "./admit.ts";
import { answersOf } from "./answer-client.ts";
import type { AnswerOrder } from "./answer-service.ts";
import { holdOf, letIn } from "./holds.ts";
import { ownedBy } from "./making/completion-outbox.ts";
import { hitPriceOf } from "./making/payment.ts";
import {
  type CacheResolution,
  leaderOf,
  outcomeOf,
  resolveCache,
  type Unanswered,
} from "./resolve-cache.ts";
import { storedAnswer } from "./storage/stored-answers.ts";

/** What is asked, and on which terms, whatever API it came through. */
export interface Asking {
  readonly request: AnswerRequest;
  readonly idempotency: IdempotentRequest | null;
  readonly directives: CacheDirectives;
  /**
   * Whether the caller is told the answer's id before its end: `Prefer`, or a stream. Then it is accepted, waits for its
   * place and its function, and takes part in an equal question under way under an id of its own. A caller
   * that waits for the reply waits for that question's end.
   */
  readonly isAccepted: boolean;
}

/** A question that was taken on, or had been answered before. */
export interface AskedAnswer {
  readonly answerId: string;
  /** The answer where it is known at once: of a repeated request, or from the cache. Null while it is made: see `Answers`. */
  readonly told: AnswerBody | null;
  /** Whether `told` is the reply of an earlier request with the same Idempotency-Key. */
  readonly isReplay: boolean;
  /** What is left of each rate, for the RateLimit fields. */
  readonly allowances: readonly Allowance[];
  readonly cache: CacheOutcome;
  /** Milliseconds that went by in the cache, with an equal question under way, and until the work was taken on. */
  readonly timings: { readonly cacheMs: number; readonly queueMs: number };
}

/** A question that was taken on, before it is known how long that took. */
type Admitted = Omit<AskedAnswer, "timings">;

export type RefusedAsk = RefusedHold;

/**
 * Takes a question on: pictures, price, cache, hold, start. From its return on the answer is made, or its price is given
 * back, whether the Worker, the answer's object or a function dies. An equal question under way is taken part in or waited
 * for, and its answer charged as one from the cache.
 *
 * A request that was answered before under its Idempotency-Key is told that answer, whatever has become of its pictures,
 * its key and the limits since. The ledger looks for it with the hold; it is asked for by itself only before pictures are
 * fetched, and before a refusal is told.
 */
export async function ask(
  caller: CallerContext,
  asking: Asking,
): Promise<Result<AskedAnswer, RefusedAsk>> {
  // With an address among them, it is looked for as the request is let in.
  const kinds = asking.request.pictures.map(({ kind }) => kind);
  const mustLook = kinds.includes("upload") && !kinds.includes("url");
  const earlier = mustLook ? await recall(caller, asking.idempotency) : null;
  if (earlier !== null) return earlier;
  const asked = await askAnew(caller, asking);
  return asked.ok ? asked : ((await recall(caller, asking.idempotency)) ?? asked);
}

/** What a request with this Idempotency-Key was told before; null where it is new or has none. */
export async function recall(
  { bindings, key }: CallerContext,
  idempotency: IdempotentRequest | null,
): Promise<Result<AskedAnswer, RefusedAsk> | null> {
  if (idempotency === null) return null;
  const earlier = await ledgerOf(bindings, key.accountId).recall(idempotency);
  if (earlier === null) return null;
  if (!earlier.ok) return earlier;
  if (earlier.value.kind !== "replay") return null;
  return atOnce(replayed(earlier.value.reply));
}

function atOnce(told: Result<Admitted, RefusedAsk>): Result<AskedAnswer, RefusedAsk> {
  return told.ok ? ok({ ...told.value, timings: { cacheMs: 0, queueMs: 0 } }) : told;
}

async function askAnew(
  caller: CallerContext,
  asking: Asking,
): Promise<Result<AskedAnswer, RefusedAsk>> {
  const createdAt = Date.now();
  const { request } = asking;
  const deadlineAt = request.deadlineMs === null ? null : createdAt + request.deadlineMs;
  const allowed = mayBeAsked(caller, request);
  if (!allowed.ok) return refuse({ failure: allowed.refusal, allowances: [] });
  const { steps } = request.options;
  const before = await letIn(caller, [request], { steps, idempotency: asking.idempotency });
  if (!before.ok) return before;
  if (before.value?.kind === "replay") return atOnce(replayed(before.value.reply));
  const admitted = await readJob(caller, request, createdAt, deadlineAt);
  if (!admitted.ok) {
    const isLate = deadlineAt !== null && Date.now() >= deadlineAt;
    return isLate && admitted.refusal.kind === "image_fetch_timeout"
      ? ok(partialAtOnce(caller, request, createdAt))
      : refuse({ failure: admitted.refusal, allowances: [] });
  }
  const job = admitted.value;
  const admittedAt = Date.now();
  const resolution = await resolveCache(caller, asking, job, deadlineAt);
  const resolvedAt = Date.now();
  const terms = { deadlineAt, isRated: before.value !== null };
  const taken = await takeOn(caller, asking, job, resolution, terms);
  if (!taken.ok) return taken;
  const timings = { cacheMs: resolvedAt - admittedAt, queueMs: Date.now() - resolvedAt };
  const allowances = before.value?.allowances ?? taken.value.allowances;
  return ok({ ...taken.value, allowances, timings });
}

/** The deadline came while a picture was on its way: nothing was seen, nothing ran, nothing is charged, and nothing is kept. */
function partialAtOnce(
  { settings }: CallerContext,
  { options, warnings }: AnswerRequest,
  createdAt: number,
): AskedAnswer {
  const body = answerBody(
    untouched(options.canvas),
    {
      jobId: newId("ans"),
      status: "partial",
      model: settings.card.id,
      modelDigest: null,
      digest: null,
      createdAt,
      endedAt: Date.now(),
      error: null,
      warnings,
    },
    ZERO,
  );
  return {
    answerId: body.id,
    told: body,
    isReplay: false,
    allowances: [],
    cache: { kind: "bypass" },
    timings: { cacheMs: 0, queueMs: 0 },
  };
}

/** What can be refused before anything is fetched or counted. */
function mayBeAsked(
  { key, settings }: CallerContext,
  request: AnswerRequest,
): Result<unknown, Failure> {
  const { model } = request;
  if (model !== undefined && model !== settings.card.id)
    return refuse({ kind: "unknown_model", model, known: [settings.card.id] });
  const allowed = mayAsk(key, settings.card.id);
  if (!allowed.ok) return allowed;
  return mayTell(request.webhook?.url, settings, "/webhook");
}

async function readJob(
  caller: CallerContext,
  request: AnswerRequest,
  createdAt: number,
  deadlineAt: number | null,
): Promise<Result<Job, Failure>> {
  const { key, settings } = caller;
  const { messages, options, warnings } = request;
  const images = await resolvePictures(caller, request.pictures, deadlineAt);
  if (!images.ok) return images;
  const question: Question = { messages, options, images: images.value };
  const id = newId("ans");
  const { accountId } = key;
  return admit({ question }, { id, accountId, card: settings.card, warnings, createdAt });
}

/** Until when an answer is waited for, and whether it was counted against the rates when it was let in. */
interface TakingTerms {
  readonly deadlineAt: number | null;
  readonly isRated: boolean;
}

async function takeOn(
  caller: CallerContext,
  asking: Asking,
  job: Job,
  resolution: CacheResolution,
  terms: TakingTerms,
): Promise<Result<Admitted, RefusedAsk>> {
  switch (resolution.kind) {
    case "hit":
    case "collapsed":
      return await replyFromCache(caller, asking, job, resolution, terms);
    case "joined":
    case "lead":
    case "bypass":
      return await run(caller, asking, job, resolution, terms);
    case "absent":
      return refuse({ failure: { kind: "not_cached" }, allowances: [] });
    default:
      return resolution satisfies never;
  }
}

/** Tells an answer that another question brought about, and charges what such answers cost. */
async function replyFromCache(
  caller: CallerContext,
  { request, idempotency }: Asking,
  job: Job,
  resolution: Extract<CacheResolution, { kind: "hit" | "collapsed" }>,
  { deadlineAt, isRated }: TakingTerms,
): Promise<Result<Admitted, RefusedAsk>> {
  const price = resolution.body.status === "completed" ? hitPriceOf(job) : ZERO;
  const isKept = resolution.body.id !== job.id;
  const body: AnswerBody = {
    ...resolution.body,
    cached: true,
    charged_micros: Number(price),
    // Equal questions need not have been sent as equal requests: what was left out is each caller's own.
    warnings: warningBodies(job.warnings),
  };
  const cache: CacheOutcome =
    resolution.kind === "hit"
      ? {
          kind: "hit",
          key: resolution.key,
          ageSeconds: resolution.ageSeconds,
          ttlSeconds: resolution.ttlSeconds,
        }
      : { kind: "collapsed", key: resolution.key };
  const { maximum } = request;
  const paid = await payForCached(caller, job, body, price, { idempotency, maximum, isRated });
  if (!paid.ok) return paid;
  if (paid.value.kind === "replay") return replayed(paid.value.reply);
  if (!isKept) {
    const order = orderOf(caller, job, {
      deadlineAt,
      isRepeatable: false,
      cacheKey: null,
      follows: null,
      isAccepted: false,
      hasPlace: false,
    });
    // Losing it means that this hit cannot be read again under its id; the reply has it all.
    caller.waitUntil(answersOf(caller.bindings).record({ ...order, webhook: null }, body));
  }
  if (request.webhook !== null) {
    const notice: Notice = {
      id: newId("evt"),
      type: body.status === "completed" ? "answer.completed" : "answer.partial",
      ...ownedBy({ job, owner: viewerOf(caller.key, caller.clientToken).owner }),
      at: Date.now(),
      data: body,
    };
    await noticesOf(caller.bindings).acceptAt(notice, request.webhook);
  }
  const { allowances } = paid.value;
  return ok({ answerId: body.id, told: body, isReplay: false, allowances, cache });
}

/** Free answers that need not be recognised again leave the ledger alone. */
async function payForCached(
  caller: CallerContext,
  job: Job,
  body: AnswerBody,
  price: Micros,
  terms: Pick<HoldRequest, "idempotency" | "maximum" | "isRated">,
): Promise<Result<Held, RefusedHold>> {
  const { idempotency } = terms;
  if (price === ZERO && idempotency === null)
    return ok({ kind: "held", allowances: [], hasPlace: false });
  const ledger = ledgerOf(caller.bindings, job.accountId);
  const free = { amount: price, steps: 0, share: null, isShared: false };
  const request = holdOf(caller, job, { ...free, ...terms });
  const held = await ledger.hold(request);
  if (!held.ok || held.value.kind === "replay") return held;
  const reply = idempotency === null ? null : storedAnswer.write(body);
  const capture = { holdId: job.id, charge: price, steps: 0, reply };
  await withRetry(() => ledger.capture(capture), settling(job.id));
  return held;
}

async function run(
  caller: CallerContext,
  { request, idempotency, isAccepted }: Asking,
  job: Job,
  resolution: Unanswered,
  { deadlineAt, isRated }: TakingTerms,
): Promise<Result<Admitted, RefusedAsk>> {
  const { bindings } = caller;
  const ledger = ledgerOf(bindings, job.accountId);
  const letGo = async (): Promise<void> => {
    if (resolution.kind === "lead") await answerCacheOf(bindings).abandon(resolution.key, job.id);
  };
  let isStarted = false;
  try {
    const { price: amount, steps } = job.quote;
    const { maximum } = request;
    const share = caller.settings.accountPlaces;
    const isShared = resolution.kind === "joined";
    const terms = { amount, steps, maximum, idempotency, share, isShared, isRated };
    const held = await ledger.hold(holdOf(caller, job, terms));
    if (!held.ok) return held;
    if (held.value.kind === "replay") return replayed(held.value.reply);
    const order = orderOf(caller, job, {
      deadlineAt,
      isRepeatable: idempotency !== null,
      cacheKey: resolution.kind === "bypass" ? null : resolution.key,
      follows: leaderOf(resolution),
      isAccepted,
      hasPlace: held.value.hasPlace,
    });
    try {
      await answersOf(bindings).start({ ...order, webhook: request.webhook });
    } catch (cause) {
      await withRetry(() => ledger.release(job.id), settling(job.id));
      throw new Error(`answer ${job.id} could not be started`, { cause });
    }
    isStarted = true;
    const { allowances } = held.value;
    const cache = outcomeOf(resolution);
    return ok({ answerId: job.id, told: null, isReplay: false, allowances, cache });
  } finally {
    if (!isStarted) await letGo();
  }
}

function replayed(reply: string): Result<Admitted, never> {
  const told = storedAnswer.read(reply);
  return ok({
    answerId: told.id,
    told,
    isReplay: true,
    allowances: [],
    cache: { kind: "bypass" },
  });
}

function orderOf(
  { settings, key, clientToken, requestId, traceparent }: CallerContext,
  job: Job,
  terms: Pick<
    AnswerOrder,
    "deadlineAt" | "isRepeatable" | "cacheKey" | "follows" | "isAccepted" | "hasPlace"
  >,
): Omit<AnswerOrder, "webhook"> {
  const { owner } = viewerOf(key, clientToken);
  return {
    job,
    keyId: key.id,
    owner,
    requestId,
    traceparent,
    payment: { kind: "hold" },
    share: settings.accountPlaces,
    ...terms,
  };
}
