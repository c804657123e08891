import { ok, type Result, refuse } from "#domain/result.ts";
import type { IdempotentRequest } from "../ledger/ledger-service.ts";
import { notKeptIn } from "../ledger/storage/not-kept.ts";
import {
  type AskedAnswer,
  type Asking,
  type AskingCaller,
  atOnce,
  type RefusedAsk,
} from "./asking.ts";
import { letIn, recall } from "./holds.ts";
import { makeAnswer } from "./make-answer.ts";
import { mayBeAsked, partialAtOnce, readJob } from "./read-job.ts";
import { resolveCache } from "./resolve-cache.ts";
import { storedAnswer } from "./storage/stored-answers.ts";
import { tellCached } from "./tell-cached.ts";

/**
 * Answers a question: pictures, price, cache, hold, work. From the moment that its price is held the answer is made, or its
 * price is given back, whether the Worker, the answer's object or a function dies. An equal question under way is taken part
 * in or waited for, and its answer charged as one from the cache.
 *
 * A request that was answered before under its Idempotency-Key is told that answer, whatever has become of its pictures,
 * its key and the limits since. The ledger looks for it with the hold; it is asked for by itself only before uploads are
 * read, and before a refusal is told.
 */
export async function ask(
  caller: AskingCaller,
  asking: Asking,
): Promise<Result<AskedAnswer, RefusedAsk>> {
  // With an address among them, it is looked for as the request is let in.
  const kinds = asking.request.pictures.map(({ kind }) => kind);
  const mustLook = kinds.includes("upload") && !kinds.includes("url");
  const earlier = mustLook ? await askedBefore(caller, asking.idempotency) : null;
  if (earlier !== null) return earlier;
  const asked = await askAnew(caller, asking);
  return asked.ok ? asked : ((await askedBefore(caller, asking.idempotency)) ?? asked);
}

/** What a request with this Idempotency-Key was told before; null where it is new or has none. */
export async function askedBefore(
  caller: AskingCaller,
  idempotency: IdempotentRequest | null,
): Promise<Result<AskedAnswer, RefusedAsk> | null> {
  const earlier = await recall(caller, idempotency);
  if (!earlier.ok) return earlier;
  return earlier.value === null ? null : replayed(earlier.value);
}

async function askAnew(
  caller: AskingCaller,
  asking: Asking,
): Promise<Result<AskedAnswer, RefusedAsk>> {
  const createdAt = Date.now();
  const { request, idempotency } = asking;
  const deadlineAt = request.deadlineMs === null ? null : createdAt + request.deadlineMs;
  const allowed = await mayBeAsked(caller, asking);
  if (!allowed.ok) return refuse({ failure: allowed.refusal, allowances: [] });
  const card = allowed.value;
  const { steps } = request.options;
  const before = await letIn(caller, [request], { card, steps, idempotency });
  if (!before.ok) return before;
  if (before.value?.kind === "replay") return replayed(before.value.reply);
  const job = await readJob(caller, request, { card, createdAt, deadlineAt });
  if (!job.ok) {
    const isLate = deadlineAt !== null && Date.now() >= deadlineAt;
    return isLate && job.refusal.kind === "image_fetch_timeout"
      ? ok(partialAtOnce(request, { card, createdAt }))
      : refuse({ failure: job.refusal, allowances: [] });
  }
  const isRated = before.value !== null;
  const admitted = { caller, asking, job: job.value, deadlineAt, isRated };
  const lookedAt = Date.now();
  const resolution = await resolveCache(admitted);
  const cacheMs = Date.now() - lookedAt;
  if (resolution.kind === "absent")
    return refuse({ failure: { kind: "not_cached" }, allowances: [] });
  const isFound = resolution.kind === "hit" || resolution.kind === "collapsed";
  const told = isFound
    ? await tellCached(admitted, resolution)
    : await makeAnswer(admitted, resolution);
  if (!told.ok) return told;
  if (told.value.kind === "replay") return replayed(told.value.reply);
  const { answer } = told.value;
  const allowances = before.value?.allowances ?? answer.allowances;
  return ok({ ...answer, isReplay: false, allowances, timings: { ...answer.timings, cacheMs } });
}

/** Refuses with `answer_not_kept` where the words of the first reply are gone. */
function replayed(reply: string): Result<AskedAnswer, RefusedAsk> {
  const id = notKeptIn(reply);
  if (id !== null) return refuse({ failure: { kind: "answer_not_kept", id }, allowances: [] });
  const body = storedAnswer.read(reply);
  return ok({
    answerId: body.id,
    told: { kind: "body", body },
    isReplay: true,
    allowances: [],
    cache: { kind: "bypass" },
    timings: atOnce,
  });
}
