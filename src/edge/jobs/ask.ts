import type { Failure } from "#domain/failure.ts";
import type { Allowance } from "#domain/limits.ts";
import { type Micros, ZERO } from "#domain/micros.ts";
import type { Notice } from "#domain/notice.ts";
import type { Question } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/requests.ts";
import { type AnswerBody, answerBody } from "#wire/responses.ts";
import { warningBodies } from "#wire/warnings.ts";
import type { CacheDirectives, CacheOutcome, Lookup } from "../delivery/answer-cache.ts";
import { answerCacheOf } from "../delivery/cache-client.ts";
import { noticesOf } from "../delivery/notices-client.ts";
import { mayTell } from "../delivery/webhook-address.ts";
import { newId } from "../id.ts";
import { mayAsk } from "../keys/may-ask.ts";
import type { Held, HoldRequest, IdempotentRequest, RefusedHold } from "../ledger/ledger.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import { admit, type Job } from "./admit.ts";
import type { AnswerOrder } from "./answers.ts";
import { answersOf } from "./answers-client.ts";
import type { Asker } from "./asker.ts";
import { attempt } from "./attempt.ts";
import { resolvePictures } from "./pictures.ts";
import { storedAnswer } from "./stored-answers.ts";

/** What is asked, and on which terms, whatever API it came through. */
export interface Asking {
  readonly request: AnswerRequest;
  readonly idempotency: IdempotentRequest | null;
  readonly directives: CacheDirectives;
  /** Whether the caller waits for the answer anyway; then an equal question under way is waited for here. */
  readonly isAsync: boolean;
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
 * back, whoever dies. An equal question under way is waited for, and its answer charged as one from the cache.
 *
 * A request that was answered before under its Idempotency-Key is told that answer, whatever has become of its pictures,
 * its key and the limits since. The ledger looks for it with the hold; it is asked for by itself only before pictures are
 * fetched, and before a refusal is told.
 */
export async function ask(asker: Asker, asking: Asking): Promise<Result<AskedAnswer, RefusedAsk>> {
  const mustFetch = asking.request.pictures.some(({ kind }) => kind !== "file");
  const earlier = mustFetch ? await recall(asker, asking) : null;
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
  const told = replayed(earlier.value.reply);
  return told.ok ? ok({ ...told.value, timings: { cacheMs: 0, queueMs: 0 } }) : told;
}

async function askAnew(asker: Asker, asking: Asking): Promise<Result<AskedAnswer, RefusedAsk>> {
  const createdAt = Date.now();
  const { request } = asking;
  const deadlineAt = request.deadlineMs === null ? null : createdAt + request.deadlineMs;
  const admitted = await readJob(asker, request, createdAt, deadlineAt);
  if (!admitted.ok) {
    const isLate = deadlineAt !== null && Date.now() >= deadlineAt;
    return isLate && admitted.refusal.kind === "image_fetch_timeout"
      ? ok(untouched(asker, request, createdAt))
      : refuse({ failure: admitted.refusal, allowances: [] });
  }
  const job = admitted.value;
  const admittedAt = Date.now();
  const found = await lookUp(asker, asking, job, deadlineAt);
  const foundAt = Date.now();
  const taken = await takeOn(asker, asking, job, found, deadlineAt);
  const timings = { cacheMs: foundAt - admittedAt, queueMs: Date.now() - foundAt };
  return taken.ok ? ok({ ...taken.value, timings }) : taken;
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

async function readJob(
  asker: Asker,
  request: AnswerRequest,
  createdAt: number,
  deadlineAt: number | null,
): Promise<Result<Job, Failure>> {
  const { key, settings } = asker;
  const { messages, options, model, warnings } = request;
  if (model !== undefined && model !== settings.card.id)
    return refuse({ kind: "unknown_model", model, known: [settings.card.id] });
  const allowed = mayAsk(key, settings.card.id);
  if (!allowed.ok) return allowed;
  const tellable = mayTell(request.webhook?.url, settings, "/webhook");
  if (!tellable.ok) return tellable;
  const images = await resolvePictures(asker, request.pictures, deadlineAt);
  if (!images.ok) return images;
  const question: Question = { messages, options, images: images.value };
  const id = newId("ans");
  const { accountId } = key;
  return admit({ question }, { id, accountId, card: settings.card, warnings, createdAt });
}

type Found =
  | Extract<Lookup, { kind: "hit" | "lead" | "bypass" }>
  | { readonly kind: "collapsed"; readonly key: string; readonly body: AnswerBody }
  | { readonly kind: "joined"; readonly key: string; readonly leaderId: string }
  | { readonly kind: "absent" };

/** Runs that come to nothing are passed over so often; then the question is answered without the cache. */
const MAX_LEADERS = 5;

async function lookUp(
  asker: Asker,
  { request, directives, isAsync, idempotency }: Asking,
  { id: answerId, question, accountId }: Job,
  deadlineAt: number | null,
): Promise<Found> {
  const cache = answerCacheOf(asker.bindings);
  let notLeader: string | null = null;
  for (let leaders = 0; leaders < MAX_LEADERS; leaders += 1) {
    const terms = { answerId, pool: request.cache, directives, notLeader };
    const looked: Lookup = await cache.lookUp(asker, question, terms);
    if (looked.kind === "bypass" && directives.onlyIfCached) return { kind: "absent" };
    if (looked.kind !== "join") return looked;
    const { key, leaderId, leaderAccountId } = looked;
    const answers = answersOf(asker.bindings);
    // Who is to be told under a key or at an address of their own waits here for what to tell.
    const mayFollow = idempotency === null && request.webhook === null;
    if (isAsync && mayFollow && leaderAccountId === accountId) {
      // A leader that has not started yet is no answer to come back for, and one that has ended may have failed.
      const led = await answers.read(leaderId, accountId);
      if (led !== null && led.ended_at === null) return { kind: "joined", key, leaderId };
    }
    const left = deadlineAt === null ? null : Math.max(0, deadlineAt - Date.now());
    const body = await answers.wait(leaderId, leaderAccountId, left);
    // Another account's id is not ours to tell; what was joined gets one of its own.
    const own = body === null || leaderAccountId === accountId ? body : { ...body, id: answerId };
    if (own?.status === "completed") return { kind: "collapsed", key, body: own };
    if (own !== null && own.ended_at === null) return { kind: "collapsed", key, body: cut(own) };
    notLeader = leaderId;
  }
  return { kind: "bypass" };
}

/** At the joiner's own deadline the leader's canvas is the joiner's partial answer. */
function cut(body: AnswerBody): AnswerBody {
  return { ...body, status: "partial", ended_at: new Date().toISOString() };
}

async function takeOn(
  asker: Asker,
  asking: Asking,
  job: Job,
  found: Found,
  deadlineAt: number | null,
): Promise<Result<TakenOn, RefusedAsk>> {
  switch (found.kind) {
    case "hit":
    case "collapsed":
      return await tellFound(asker, asking, job, found, deadlineAt);
    case "joined":
      return ok({
        ...{ answerId: found.leaderId, told: null, isReplay: false, allowances: [] },
        cache: { kind: "collapsed", key: found.key },
      });
    case "absent":
      return refuse({ failure: { kind: "not_cached" }, allowances: [] });
    case "lead":
    case "bypass":
      return await run(asker, asking, job, found.kind === "lead" ? found.key : null, deadlineAt);
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
  deadlineAt: number | null,
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
  const paid = await payForFound(asker, job, body, price, idempotency);
  if (!paid.ok) return paid;
  if (paid.value.kind === "replay") return replayed(paid.value.reply);
  if (!isKept) {
    const order = orderOf(asker, job, { deadlineAt, isRepeatable: false, cacheKey: null });
    // Losing it means that this hit cannot be read again under its id; the reply has it all.
    asker.waitUntil(answersOf(asker.bindings).record({ ...order, webhook: null }, body));
  }
  if (request.webhook !== null) {
    const notice: Notice = {
      id: newId("evt"),
      type: body.status === "completed" ? "answer.completed" : "answer.partial",
      accountId: job.accountId,
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
  idempotency: IdempotentRequest | null,
): Promise<Result<Held, RefusedHold>> {
  if (price === ZERO && idempotency === null) return ok({ kind: "held", allowances: [] });
  const ledger = ledgerOf(asker.bindings, job.accountId);
  const request = holdOf(asker, job, { amount: price, steps: 0, maximum: null, idempotency });
  const held = await ledger.hold(request);
  if (!held.ok || held.value.kind === "replay") return held;
  const reply = idempotency === null ? null : storedAnswer.write(body);
  await attempt(job.id, () => ledger.capture({ holdId: job.id, charge: price, steps: 0, reply }));
  return held;
}

async function run(
  asker: Asker,
  { request, idempotency }: Asking,
  job: Job,
  cacheKey: string | null,
  deadlineAt: number | null,
): Promise<Result<TakenOn, RefusedAsk>> {
  const { bindings } = asker;
  const ledger = ledgerOf(bindings, job.accountId);
  const letGo = async (): Promise<void> => {
    if (cacheKey !== null) await answerCacheOf(bindings).abandon(cacheKey, job.id);
  };
  let isStarted = false;
  try {
    const { price: amount, steps } = job.quote;
    const { maximum } = request;
    const held = await ledger.hold(holdOf(asker, job, { amount, steps, maximum, idempotency }));
    if (!held.ok) return held;
    if (held.value.kind === "replay") return replayed(held.value.reply);
    const isRepeatable = idempotency !== null;
    const order = orderOf(asker, job, { deadlineAt, isRepeatable, cacheKey });
    try {
      await answersOf(bindings).start({ ...order, webhook: request.webhook });
    } catch (cause) {
      await attempt(job.id, () => ledger.release(job.id));
      throw new Error(`answer ${job.id} could not be started`, { cause });
    }
    isStarted = true;
    const cache: CacheOutcome =
      cacheKey === null ? { kind: "bypass" } : { kind: "miss", key: cacheKey };
    const { allowances } = held.value;
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
  { key, requestId, traceparent }: Asker,
  job: Job,
  terms: Pick<AnswerOrder, "deadlineAt" | "isRepeatable" | "cacheKey">,
): Omit<AnswerOrder, "webhook"> {
  return { job, keyId: key.id, requestId, traceparent, payment: { kind: "hold" }, ...terms };
}

/** Asks the ledger to set a price aside for whoever asks. */
export function holdOf(
  { key, clientToken }: Asker,
  { id: holdId, accountId, card }: Pick<Job, "id" | "accountId" | "card">,
  terms: Pick<HoldRequest, "amount" | "steps" | "maximum" | "idempotency">,
): HoldRequest {
  return {
    holdId,
    accountId,
    keyId: key.id,
    model: card.id,
    keyLimits: key.limits,
    accountLimits: key.accountLimits,
    spendCap:
      clientToken === undefined
        ? null
        : {
            tokenId: clientToken.id,
            amount: clientToken.spendCap,
            expiresAt: clientToken.expiresAt,
          },
    ...terms,
  };
}
