import type { Context } from "hono";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequest } from "#wire/api/answers/requests.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { decodeSse, type SseMessage, sseStream } from "#wire/codec/sse.ts";
import { chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { growingText, type TextUpdate } from "#wire/compatible/stable-text.ts";
import { answersOf } from "../../answers/answer-client.ts";
import { type AskedAnswer, ask } from "../../answers/ask.ts";
import { endMessage } from "../../answers/making/answer-event-log.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedBy } from "../../guard/errors.ts";
import { cacheDirectives } from "../../headers/cache-control.ts";
import { idempotencyOf } from "../../headers/idempotency.ts";
import { waitFor } from "../answers/answers.ts";
import type { Content } from "../describe/route.ts";
import { callerContextOf, eventHeaders, tellCache, tellRates, viewerIn } from "../reply-headers.ts";

/** How refusals read on these routes, in the API's description; `errorShape` writes them. */
export const compatibleRefusals: Content = { "application/json": { schema: chatErrorSchema } };

/** A question that came through another API. */
export interface CompatibleAnswer extends AskedAnswer {
  /** Whether its caller's leaving ends it: they have no way to come back for it. */
  readonly mayCancel: boolean;
}

/** Asks as `POST /v1/answers` does. Refuses with the reply. */
export async function askCompatibly(
  c: Context<EdgeEnv>,
  request: AnswerRequest,
  wantsStream: boolean,
): Promise<Result<CompatibleAnswer, Response>> {
  const idempotency = await idempotencyOf(c, request);
  if (!idempotency.ok) return refuse(refused(c, idempotency.refusal));
  const asked = await ask(callerContextOf(c), {
    request,
    idempotency: idempotency.value,
    directives: cacheDirectives(c.req.header("cache-control")),
    isAccepted: wantsStream,
  });
  if (!asked.ok) {
    tellRates(c, asked.refusal.allowances);
    return refuse(refused(c, asked.refusal.failure));
  }
  const { answerId, told, isReplay, allowances } = asked.value;
  c.set("answerId", answerId);
  tellRates(c, allowances);
  if (isReplay) c.header("idempotency-replayed", "true");
  return ok({ ...asked.value, mayCancel: told === null && idempotency.value === null });
}

/** Replies with the ended answer, written by `render`, or with why it failed. */
export async function endReply(
  c: Context<EdgeEnv>,
  { answerId, told, mayCancel, cache }: CompatibleAnswer,
  render: (answer: AnswerBody) => object,
): Promise<Response> {
  const answer = told ?? (await waitFor(c, answerId, null, mayCancel));
  tellCache(c, cache, answer);
  if (answer.error !== null) return refusedBy(c, answer.error);
  return c.json(render(answer), 200, { "cache-control": "private" });
}

/** Replies with the answer's text as it grows, written by `render`. */
export async function textReply(
  c: Context<EdgeEnv>,
  asked: CompatibleAnswer,
  render: (updates: AsyncIterable<TextUpdate>) => AsyncIterable<SseMessage>,
): Promise<Response> {
  tellCache(c, asked.cache, asked.told);
  const updates = growingText(await messagesOf(c, asked));
  const answers = answersOf(c.env);
  const stream = sseStream(render(updates), {
    cancel: () => {
      if (asked.mayCancel) c.executionCtx.waitUntil(answers.cancel(asked.answerId, viewerIn(c)));
    },
  });
  return c.body(stream, 200, { ...eventHeaders });
}

async function messagesOf(
  c: Context<EdgeEnv>,
  { answerId, told }: CompatibleAnswer,
): Promise<AsyncIterable<SseMessage>> {
  if (told !== null) return only(endMessage(told));
  const events = await answersOf(c.env).events(answerId, viewerIn(c), null);
  if (events === null) throw new Error(`answer ${answerId} was started and is not there`);
  return decodeSse(events);
}

async function* only(message: SseMessage): AsyncGenerator<SseMessage, void, undefined> {
  yield message;
}
