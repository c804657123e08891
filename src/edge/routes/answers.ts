import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { setMetric } from "hono/timing";
import type { Failure } from "#domain/failure.ts";
import type { Allowance } from "#domain/limits.ts";
import { priceOfSteps } from "#domain/quote.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { answerFormSchema, answerRequestSchema } from "#wire/answer-request.ts";
import type { ClientToken } from "#wire/client-token.ts";
import type { AnswerRequest } from "#wire/requests.ts";
import { type AnswerBody, answerBody, answerSchema } from "#wire/responses.ts";
import { encodeSse } from "#wire/sse.ts";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { idempotencyOf } from "../guard/idempotency.ts";
import { rateLimitFields } from "../guard/rate-limit-fields.ts";
import { newId } from "../id.ts";
import { admit, type Job } from "../jobs/admit.ts";
import { attempt } from "../jobs/attempt.ts";
import { dispatch } from "../jobs/dispatch.ts";
import { renewHold } from "../jobs/hold-renewal.ts";
import { type Payment, payFor } from "../jobs/payment.ts";
import { collectAnswer, completedMessage, relayAnswer } from "../jobs/relay.ts";
import { mayAsk } from "../keys/may-ask.ts";
import type { IdempotentRequest, Ledger, SpendCap } from "../ledger/ledger.ts";
import { ledgerOf } from "../ledger/ledger-client.ts";
import { readAnswerRequest } from "./answer-body.ts";

/** `POST /v1/answers`: asks, and waits for the answer or listens to it being made. */
export async function createAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const request = await readAnswerRequest(c);
  if (!request.ok) return refused(c, request.refusal);
  const { accountId } = c.get("key");
  const { card } = settingsOf(c.env);
  const job = admit(request.value, { id: newId("ans"), accountId, card, createdAt: Date.now() });
  if (!job.ok) return refused(c, job.refusal);
  const allowed = mayAsk(c.get("key"), card.id);
  if (!allowed.ok) return refused(c, allowed.refusal);
  const idempotency = await idempotencyOf(c, request.value);
  if (!idempotency.ok) return refused(c, idempotency.refusal);

  const ledger = ledgerOf(c.env, accountId);
  const held = await holdPrice(c, ledger, job.value, request.value, idempotency.value);
  if (!held.ok) return refused(c, held.refusal);
  const wantsEvents = request.value.wantsStream || acceptsEvents(c);
  if (held.value !== null) return replay(c, held.value, wantsEvents);
  return await answer(c, job.value, ledger, {
    wantsEvents,
    isRepeatable: idempotency.value !== null,
  });
}

/** Sets the price aside. The value is the reply of a request that was answered before, null for a new one. */
async function holdPrice(
  c: Context<EdgeEnv>,
  ledger: Ledger,
  { id, accountId, card, quote }: Job,
  { maximum }: AnswerRequest,
  idempotency: IdempotentRequest | null,
): Promise<Result<string | null, Failure>> {
  const key = c.get("key");
  const token = c.get("clientToken");
  const held = await ledger.hold({
    holdId: id,
    accountId,
    keyId: key.id,
    model: card.id,
    amount: quote.price,
    maximum,
    steps: quote.steps,
    keyLimits: key.limits,
    accountLimits: key.accountLimits,
    spendCap: token === undefined ? null : spendCapOf(token),
    idempotency,
  });
  if (!held.ok) {
    tellRates(c, held.refusal.allowances);
    return refuse(held.refusal.failure);
  }
  if (held.value.kind === "replay") return ok(held.value.reply);
  tellRates(c, held.value.allowances);
  return ok(null);
}

function spendCapOf({ id, spendCap, expiresAt }: ClientToken): SpendCap {
  return { tokenId: id, amount: spendCap, expiresAt };
}

function tellRates(c: Context<EdgeEnv>, allowances: readonly Allowance[]): void {
  for (const [name, value] of Object.entries(rateLimitFields(allowances))) c.header(name, value);
}

/** Tells a finished answer again, in the form that is asked for this time. */
function replay(c: Context<EdgeEnv>, reply: string, wantsEvents: boolean): Response {
  const body = JSON.parse(reply) as AnswerBody;
  c.header("idempotency-replayed", "true");
  return wantsEvents
    ? c.body(encodeSse(completedMessage(body)), 200, eventHeaders)
    : c.body(reply, 200, { "content-type": "application/json", "cache-control": "private" });
}

const eventHeaders = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
};

async function answer(
  c: Context<EdgeEnv>,
  job: Job,
  ledger: Ledger,
  { wantsEvents, isRepeatable }: { readonly wantsEvents: boolean; readonly isRepeatable: boolean },
): Promise<Response> {
  const requestId = c.get("requestId");
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const endRenewal = renewHold(ledger, job.id);
  const onSettled = (): void => {
    endRenewal();
    resolve();
  };
  // Keeps the Worker up when the caller leaves, for some 30 s: then the platform ends it, and the hold expires. A longer
  // answer with an Idempotency-Key is lost with its caller, uncharged, until answers are made in a Durable Object.
  // Source: `waitUntil` in the runtime API of Cloudflare Workers.
  c.executionCtx.waitUntil(settled);
  const leaving = new AbortController();
  const leave = (reason: unknown): void => {
    if (!isRepeatable) leaving.abort(reason);
  };
  const caller = c.req.raw.signal;
  const gone = isRepeatable ? leaving.signal : AbortSignal.any([caller, leaving.signal]);
  const queuedMs = performance.now();
  const dispatched = await dispatchHeld(c, job, ledger, gone, onSettled);
  if (!dispatched.ok) return refused(c, dispatched.refusal);
  setMetric(c, "queue", performance.now() - queuedMs);

  const { modelDigest, events } = dispatched.value;
  const { id: jobId, createdAt, card, work, quote } = job;
  const payment: Payment = {
    ledger,
    holdId: jobId,
    price: quote.price,
    priceOfSteps: (steps) => priceOfSteps(work, card.prices, steps),
    isRepeatable,
    bodyOf: (completed, charged) =>
      answerBody(completed, { jobId, model: card.id, modelDigest, createdAt }, charged),
    onSettled,
  };
  const paid = payFor(events, payment);
  if (wantsEvents) {
    const told = { requestId, instance: c.req.path };
    return c.body(relayAnswer(paid, jobId, told, leave), 200, eventHeaders);
  }
  const startedMs = performance.now();
  const completed = await collectAnswer(paid);
  if (!completed.ok) return refused(c, completed.refusal);
  const { steps } = completed.value.usage;
  setMetric(c, "steps", performance.now() - startedMs, String(steps));
  return c.json(completed.value, 200, { "cache-control": "private" });
}

/**
 * Hands the job to a function; where none takes it, the price is given back before anyone is told. If it cannot be, the
 * caller hears why no function took it all the same, and the hold expires.
 */
async function dispatchHeld(
  c: Context<EdgeEnv>,
  job: Job,
  ledger: Ledger,
  gone: AbortSignal,
  onSettled: () => void,
): ReturnType<typeof dispatch> {
  let isTaken = false;
  try {
    const dispatched = await dispatch(job, settingsOf(c.env), c.get("requestId"), gone);
    isTaken = dispatched.ok;
    return dispatched;
  } finally {
    if (!isTaken) {
      await attempt(job.id, () => ledger.release(job.id));
      onSettled();
    }
  }
}

function acceptsEvents(c: Context<EdgeEnv>): boolean {
  return c.req.header("accept")?.includes("text/event-stream") === true;
}

/** How `POST /v1/answers` reads in the API's description. */
export const createAnswerRoute: RouteConfig = {
  method: "post",
  path: "/v1/answers",
  summary: "Ask about pictures",
  security: [{ key: [] }],
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: answerRequestSchema },
        "multipart/form-data": { schema: answerFormSchema },
      },
    },
  },
  responses: {
    200: {
      description:
        "The answer, or its making as events when `stream` is true. With `Idempotency-Key` a repeated request gets the first reply, `Idempotency-Replayed: true`, and is charged once. An answer whose caller left is made to its end only if that takes less than about 30 seconds more; after that nothing is charged, and a request repeated within 3 minutes may be told to wait (409), then is answered anew.",
      content: {
        "application/json": { schema: answerSchema },
        "text/event-stream": {
          schema: { type: "string" },
          example:
            'retry: 1000\nid: ans_0.0\nevent: answer.started\ndata: {"image_vectors":730,"prompt_length":760,"canvas":32,"steps":32}\n\n',
        },
      },
    },
  },
};
