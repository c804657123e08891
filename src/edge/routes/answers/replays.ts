import type { Context } from "hono";
import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { keepingOf } from "#domain/retention.ts";
import {
  type DigestedAnswer,
  isDigested,
  type ReplayBody,
  replayBody,
  replaySchema,
} from "#wire/api/answers/replays.ts";
import { sha256Hex } from "#wire/codec/digest.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import type { ReplayEvent } from "#wire/telemetry/metric-event.ts";
import { answersOf } from "../../answers/answer-client.ts";
import { ask, askedBefore } from "../../answers/ask.ts";
import type { AskedAnswer, AskedRequest, Delivery, RefusedAsk } from "../../answers/asking.ts";
import type { AnswerOrder } from "../../answers/storage/answer-order.ts";
import type { CacheDirectives } from "../../cache/answer-cache.ts";
import type { EdgeEnv } from "../../env.ts";
import { missingThing, refused } from "../../guard/errors.ts";
import { idempotentRequest } from "../../headers/idempotency.ts";
import type { IdempotentRequest } from "../../ledger/ledger-service.ts";
import { logFault } from "../../log.ts";
import { hasWeights } from "../../models/serving.ts";
import { askedIn } from "../../questions/question-picture.ts";
import { settingsOf } from "../../settings.ts";
import { cardOf } from "../asked-card.ts";
import { askedHeaders } from "../describe/declared-headers.ts";
import { byKey, jsonContent, type RouteConfig } from "../describe/route.ts";
import { callerContextOf, viewerIn } from "../reply-headers.ts";
import { replyTo } from "./ask-and-reply.ts";

/** `POST /v1/answers/{id}/replay`: asks an answer's question again, past the cache, and compares. It is charged like any other. */
export async function replayAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const idempotency = await idempotentRequest(c, await sha256Hex(new Uint8Array()));
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const first = await readFirst(c);
  if (!first.ok) return refused(c, first.refusal);
  const delivery: Delivery = { kind: "body", waitMs: null };
  // What was paid is told again, also when its question is forgotten or another decoder is served by now.
  const asked =
    (await askedBefore(callerContextOf(c), idempotency.value)) ??
    (await askAgain(c, first.value, idempotency.value, delivery));
  return replyTo(c, { delivery }, asked, {
    body: (replayed) => {
      // Another request has cancelled it.
      if (!isDigested(replayed)) return refused(c, { kind: "not_replayable", id: replayed.id });
      const body = replayBody(first.value, replayed);
      c.executionCtx.waitUntil(countReplay(c, body, replayed.model));
      return c.json(body, 200, { "cache-control": "no-store" });
    },
    events: () => {
      throw new Error("a replay is told whole");
    },
  });
}

/** Counts how a replay came out, once however often it is told. A count that is lost harms nobody. */
async function countReplay(
  c: Context<EdgeEnv>,
  { answer_id: replay_of, replayed_id: id, verdict: outcome }: ReplayBody,
  model: string,
): Promise<void> {
  const { accountId: account } = c.get("key");
  const event: ReplayEvent = {
    kind: "replay",
    id,
    replay_of,
    account,
    model,
    outcome,
    at: Date.now(),
  };
  try {
    await c.env.USAGE.send(event);
  } catch (cause) {
    logFault("a replay could not be counted", c.get("requestId"), cause);
  }
}

const pastTheCache: CacheDirectives = {
  noStore: true,
  noCache: true,
  onlyIfCached: false,
  maxAge: null,
};

/** The answer of the path. Refuses with `not_found`, and with `not_replayable` where it was not completed. */
async function readFirst(c: Context<EdgeEnv>): Promise<Result<DigestedAnswer, Failure>> {
  const id = c.req.param("id") ?? "";
  const answer = await answersOf(c.env).read(id, viewerIn(c));
  if (answer === null) return refuse(missingThing(c, "answer"));
  return isDigested(answer) ? ok(answer) : refuse({ kind: "not_replayable", id });
}

/**
 * Asks what an answer was made from. Refuses as `ask` does, and with `not_replayable` where its question is not kept, or,
 * with both versions, where another decoder made it, or weights that nobody serves any more: that would answer otherwise, and be taken for a mismatch.
 */
async function askAgain(
  c: Context<EdgeEnv>,
  { id, numerics, model_digest: digest }: DigestedAnswer,
  idempotency: IdempotentRequest | null,
  delivery: Delivery,
): Promise<Result<AskedAnswer, RefusedAsk>> {
  const kept = await answersOf(c.env).kept(id, viewerIn(c));
  if (kept?.decoder == null)
    return refuse({ failure: { kind: "not_replayable", id }, allowances: [] });
  const { order, decoder: made } = kept;
  if (made !== DECODER_VERSION) {
    const decoder = { made, served: DECODER_VERSION };
    return refuse({ failure: { kind: "not_replayable", id, decoder }, allowances: [] });
  }
  const weights = await otherWeights(c, order.job.card.id, digest);
  if (weights !== null)
    return refuse({ failure: { kind: "not_replayable", id, weights }, allowances: [] });
  const { card } = await cardOf(c, order.job.card.id);
  const caller = callerContextOf(c);
  const account = { ...caller.settings.retention, ...caller.key.accountRetention };
  return await ask(caller, {
    request: { ...requestOf(order), keeping: keepingOf(account, order.keeping) },
    card,
    idempotency,
    directives: pastTheCache,
    delivery,
    numerics,
  });
}

/** The weights of an answer that are known to be served by nobody any more; null where they are, or may be. */
async function otherWeights(
  c: Context<EdgeEnv>,
  model: string,
  made: string | null,
): Promise<{ readonly made: string; readonly served: readonly string[] } | null> {
  if (made === null) return null;
  const waitUntil = (work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
  const caller = { FLEET: c.env.FLEET, requestId: c.get("requestId"), waitUntil };
  const { isServed, served } = await hasWeights(model, made, settingsOf(c.env), caller);
  return isServed ? null : { made, served: served.slice(0, 8) };
}

/** The same question; that another model is served by now is for the asking to refuse. */
function requestOf({ job }: AnswerOrder): Omit<AskedRequest, "keeping"> {
  const { images } = job.question;
  return {
    ...askedIn(job.question),
    pictures: images.map((picture) => ({ kind: "kept", picture })),
    warnings: job.warnings,
    model: job.card.id,
    cardDigest: null,
    wantsStream: false,
    maximum: null,
    deadlineMs: null,
    webhook: null,
    cache: "off",
  };
}

/** How `POST /v1/answers/{id}/replay` reads in the API's description. */
export const replayAnswerRoute: RouteConfig = {
  method: "post",
  path: "/v1/answers/{id}/replay",
  operationId: "replayAnswer",
  summary: "Replay an answer",
  description:
    "Asks the question of a completed answer again, past the cache and on a function of the same class of arithmetic where one is left, and says whether the same answer came about; not_comparable where another arithmetic made it and the digests differ. Charged like any answer. Questions are kept for a day at most.",
  security: byKey,
  request: { params: z.object({ id: z.string() }), headers: ["Idempotency-Key"] },
  responses: {
    200: {
      description: "Both answers' digests, and where they differ.",
      headers: askedHeaders,
      content: jsonContent(replaySchema),
    },
  },
};
