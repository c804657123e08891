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
import type { Asker } from "../caller-context.ts";
import { newId } from "../id.ts";
import { mayAsk } from "../keys/may-ask.ts";
import { viewerOf } from "../keys/viewer.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import type { Held, IdempotentRequest, RefusedHold } from "../ledger/ledger-service.ts";
import { settling } from "../ledger/settling.ts";
import { resolvePictures } from "../pictures/pictures.ts";
import { noticesOf } from "../webhooks/notice-client.ts";
import { mayTell } from "../webhooks/webhook-address.ts";
import { withRetry } from "../with-retry.ts";
import { admit, type Job } from "./admit.ts";
import { answersOf } from "./answer-client.ts";
import type { AnswerOrder } from "./answer-service.ts";
import { type Found, findAnswer, leaderOf, outcomeOf, type Unanswered } from "./find-answer.ts";
import { holdOf, letIn } from "./holds.ts";
import { ownedBy } from "./making/completion-outbox.ts";
import { storedAnswer } from "./storage/stored-answers.ts";

/** What is asked, and on which terms, whatever API it came through. */
export interface Asking {
  readonly request: AnswerRequest;
  readonly idempotency: IdempotentRequest | null;
  readonly directives: CacheDirectives;
  /**
   * Whether the caller is told the answer's id before its end: `Prefer`, or a stream. Then it is accepted, waits for its
   * place and its function, and takes part in an equal question under way under an id of its own. Who waits for the reply
   * waits for that question's end.
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
type TakenOn = Omit<AskedAnswer, "timings">;

export type RefusedAsk = RefusedHold;

/**
 * Takes a question on: pictures, price, cache, hold, start. From its return on the answer is made, or its price is given
 * back, whoever dies. An equal question under way is taken part in or waited for, and its answer charged as one from the
 * cache.
 *
 * A request that was answered before under its Idempotency-Key is told that answer, whatever has become of its pictures,
 * its key and the limits since. The ledger looks for it with the hold; it is asked for by itself only before pictures are
 * fetched, and before a refusal is told.
 */
export async function ask(asker: Asker, asking: Asking): Promise<Result<AskedAnswer, RefusedAsk>> {
  // With an address among them, it is looked for as the request is let in.
  const kinds = asking.request.pictures.map(({ kind }) => kind);
  const mustLook = kinds.includes("upload") && !kinds.includes("url");
  const earlier = mustLook ? await recall(asker, asking) : null;
  if (earlier !== null) return earlier;
  const asked = await askAnew(asker, asking);
  return asked.ok ? asked : ((await recall(asker, asking)) ?? asked);
}

/** What a request with this Idempotency-Key was told before; null where it is new or has none. */
async function recall(
  { bindings, key }: Asker,
  { idempotency }: Asking,
): Promise<Result<AskedAnswer, RefusedAsk> | null> {
  if (idempotency === null) return null;
  const earlier = await ledgerOf(bindings, key.accountId).recall(idempotency);
  if (earlier === null) return null;
  if (!earlier.ok) return earlier;
  if (earlier.value.kind !== "replay") return null;
  return atOnce(replayed(earlier.value.reply));
}

function atOnce(told: Result<TakenOn, RefusedAsk>): Result<AskedAnswer, RefusedAsk> {
  return told.ok ? ok({ ...told.value, timings: { cacheMs: 0, queueMs: 0 } }) : told;
}

async function askAnew(asker: Asker, asking: Asking): Promise<Result<AskedAnswer, RefusedAsk>> {
  const createdAt = Date.now();
  const { request } = asking;
  const deadlineAt = request.deadlineMs === null ? null : createdAt + request.deadlineMs;
  const allowed = mayBeAsked(asker, request);
  if (!allowed.ok) return refuse({ failure: allowed.refusal, allowances: [] });
  const { steps } = request.options;
  const before = await letIn(asker, [request], { steps, idempotency: asking.idempotency });
  if (!before.ok) return before;
  if (before.value?.kind === "replay") return atOnce(replayed(before.value.reply));
  const admitted = await readJob(asker, request, createdAt, deadlineAt);
  if (!admitted.ok) {
    const isLate = deadlineAt !== null && Date.now() >= deadlineAt;
    return isLate && admitted.refusal.kind === "image_fetch_timeout"
      ? ok(untouched(asker, request, createdAt))
      : refuse({ failure: admitted.refusal, allowances: [] });
  }
  const job = admitted.value;
  const admittedAt = Date.now();
  const found = await findAnswer(asker, asking, job, deadlineAt);
  const foundAt = Date.now();
  const terms = { deadlineAt, isRated: before.value !== null };
  const taken = await takeOn(asker, asking, job, found, terms);
  if (!taken.ok) return taken;
  const timings = { cacheMs: foundAt - admittedAt, queueMs: Date.now() - foundAt };
  const allowances = before.value?.allowances ?? taken.value.allowances;
  return ok({ ...taken.value, allowances, timings });
}

/** The deadline came while a picture was on its way: nothing was seen, nothing ran, nothing is charged, and nothing is kept. */
function untouched(
  { settings }: Asker,
  { options, warnings }: AnswerRequest,
  createdAt: number,
): AskedAnswer {
  const { canvas } = options;
  const usage = { imageVectors: 0, promptLength: 0, canvas, steps: 0, forwardPasses: 0 };
  const body = answerBody(
    { answer: "", confidence: 0, tokens: [], usage },
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
    ...{ answerId: body.id, told: body, isReplay: false, allowances: [] },
    cache: { kind: "bypass" },
    timings: { cacheMs: 0, queueMs: 0 },
  };
}

/** What can be refused before anything is fetched or counted. */
function mayBeAsked({ key, settings }: Asker, request: AnswerRequest): Result<unknown, Failure> {
  const { model } = request;
  if (model !== undefined && model !== settings.card.id)
    return refuse({ kind: "unknown_model", model, known: [settings.card.id] });
  const allowed = mayAsk(key, settings.card.id);
  if (!allowed.ok) return allowed;
  return mayTell(request.webhook?.url, settings, "/webhook");
}

async function readJob(
  asker: Asker,
  request: AnswerRequest,
  createdAt: number,
  deadlineAt: number | null,
): Promise<Result<Job, Failure>> {
  const { key, settings } = asker;
  const { messages, options, warnings } = request;
  const images = await resolvePictures(asker, request.pictures, deadlineAt);
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
  asker: Asker,
  asking: Asking,
  job: Job,
  found: Found,
  terms: TakingTerms,
): Promise<Result<TakenOn, RefusedAsk>> {
  switch (found.kind) {
    case "hit":
    case "collapsed":
      return await tellFound(asker, asking, job, found, terms);
    case "joined":
    case "lead":
    case "bypass":
      return await run(asker, asking, job, found, terms);
    case "absent":
      return refuse({ failure: { kind: "not_cached" }, allowances: [] });
    default:
      return found satisfies never;
  }
}

/** Tells an answer that another question brought about, and charges what such answers cost. */
async function tellFound(
  asker: Asker,
  { request, idempotency }: Asking,
  job: Job,
  found: Extract<Found, { kind: "hit" | "collapsed" }>,
  { deadlineAt, isRated }: TakingTerms,
): Promise<Result<TakenOn, RefusedAsk>> {
  const price = found.body.status === "completed" ? job.card.hitPrice : ZERO;
  const isKept = found.body.id !== job.id;
  const body: AnswerBody = {
    ...found.body,
    cached: true,
    charged_micros: Number(price),
    // Equal questions need not have been sent as equal requests: what was left out is each asker's own.
    warnings: warningBodies(job.warnings),
  };
  const cache: CacheOutcome =
    found.kind === "hit"
      ? { kind: "hit", key: found.key, ageSeconds: found.ageSeconds, ttlSeconds: found.ttlSeconds }
      : { kind: "collapsed", key: found.key };
  const paid = await payForFound(asker, job, body, price, { idempotency, isRated });
  if (!paid.ok) return paid;
  if (paid.value.kind === "replay") return replayed(paid.value.reply);
  if (!isKept) {
    const order = orderOf(asker, job, {
      ...{ deadlineAt, isRepeatable: false, cacheKey: null, follows: null, isAccepted: false },
      hasPlace: false,
    });
    // Losing it means that this hit cannot be read again under its id; the reply has it all.
    asker.waitUntil(answersOf(asker.bindings).record({ ...order, webhook: null }, body));
  }
  if (request.webhook !== null) {
    const notice: Notice = {
      id: newId("evt"),
      type: body.status === "completed" ? "answer.completed" : "answer.partial",
      ...ownedBy({ job, owner: viewerOf(asker.key, asker.clientToken).owner }),
      at: Date.now(),
      data: body,
    };
    await noticesOf(asker.bindings).acceptAt(notice, request.webhook);
  }
  const { allowances } = paid.value;
  return ok({ answerId: body.id, told: body, isReplay: false, allowances, cache });
}

/** Free answers that need not be recognised again leave the ledger alone. */
async function payForFound(
  asker: Asker,
  job: Job,
  body: AnswerBody,
  price: Micros,
  terms: { readonly idempotency: IdempotentRequest | null; readonly isRated: boolean },
): Promise<Result<Held, RefusedHold>> {
  const { idempotency, isRated } = terms;
  if (price === ZERO && idempotency === null)
    return ok({ kind: "held", allowances: [], hasPlace: false });
  const ledger = ledgerOf(asker.bindings, job.accountId);
  const free = { amount: price, steps: 0, maximum: null, idempotency };
  const request = holdOf(asker, job, { ...free, share: null, isShared: false, isRated });
  const held = await ledger.hold(request);
  if (!held.ok || held.value.kind === "replay") return held;
  const reply = idempotency === null ? null : storedAnswer.write(body);
  const capture = { holdId: job.id, charge: price, steps: 0, reply };
  await withRetry(() => ledger.capture(capture), settling(job.id));
  return held;
}

async function run(
  asker: Asker,
  { request, idempotency, isAccepted }: Asking,
  job: Job,
  found: Unanswered,
  { deadlineAt, isRated }: TakingTerms,
): Promise<Result<TakenOn, RefusedAsk>> {
  const { bindings } = asker;
  const ledger = ledgerOf(bindings, job.accountId);
  const letGo = async (): Promise<void> => {
    if (found.kind === "lead") await answerCacheOf(bindings).abandon(found.key, job.id);
  };
  let isStarted = false;
  try {
    const { price: amount, steps } = job.quote;
    const { maximum } = request;
    const share = asker.settings.accountPlaces;
    const isShared = found.kind === "joined";
    const terms = { amount, steps, maximum, idempotency, share, isShared, isRated };
    const held = await ledger.hold(holdOf(asker, job, terms));
    if (!held.ok) return held;
    if (held.value.kind === "replay") return replayed(held.value.reply);
    const order = orderOf(asker, job, {
      deadlineAt,
      isRepeatable: idempotency !== null,
      cacheKey: found.kind === "bypass" ? null : found.key,
      follows: leaderOf(found),
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
    const cache = outcomeOf(found);
    return ok({ answerId: job.id, told: null, isReplay: false, allowances, cache });
  } finally {
    if (!isStarted) await letGo();
  }
}

function replayed(reply: string): Result<TakenOn, never> {
  const told = storedAnswer.read(reply);
  return ok({
    ...{ answerId: told.id, told, isReplay: true, allowances: [] },
    cache: { kind: "bypass" },
  });
}

function orderOf(
  { settings, key, clientToken, requestId, traceparent }: Asker,
  job: Job,
  terms: Pick<
    AnswerOrder,
    "deadlineAt" | "isRepeatable" | "cacheKey" | "follows" | "isAccepted" | "hasPlace"
  >,
): Omit<AnswerOrder, "webhook"> {
  const { owner } = viewerOf(key, clientToken);
  return {
    ...{ job, keyId: key.id, owner, requestId, traceparent, payment: { kind: "hold" } },
    share: settings.accountPlaces,
    ...terms,
  };
}
