import type { Context } from "hono";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { decodeSse, type SseMessage, sseStream } from "#wire/codec/sse.ts";
import { chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { growingText, type TextUpdate } from "#wire/compatible/stable-text.ts";
import type { RefusedRequest } from "#wire/error.ts";
import { answersOf } from "../../answers/answer-client.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cacheDirectives } from "../../headers/cache-control.ts";
import { idempotencyOf } from "../../headers/idempotency.ts";
import type { ReadRequest } from "../answers/answer-body.ts";
import { askAndReply } from "../answers/ask-and-reply.ts";
import { askedCard } from "../asked-card.ts";
import type { Content } from "../describe/route.ts";
import { eventHeaders, viewerIn } from "../reply-headers.ts";

/** How refusals read on these routes, in the API's description; `errorShape` writes them. */
export const compatibleRefusals: Content = { "application/json": { schema: chatErrorSchema } };

/** How another API writes an answer. */
export interface CompatibleRendering {
  readonly whole: (answer: AnswerBody) => object;
  /** How its text grows out of our own events. Absent: with the tokens that are final. */
  readonly grow?: (
    messages: AsyncIterable<SseMessage>,
    request: RefusedRequest,
  ) => AsyncIterable<TextUpdate>;
  /** The text as it grows. */
  readonly stream: (
    updates: AsyncIterable<TextUpdate>,
    answerId: string,
  ) => AsyncIterable<SseMessage>;
}

/** Asks as `POST /v1/answers` does, and replies as `render` writes it. */
export async function answerCompatibly(
  c: Context<EdgeEnv>,
  { request, card }: ReadRequest,
  wantsStream: boolean,
  render: CompatibleRendering,
): Promise<Response> {
  const idempotency = await idempotencyOf(c, request, askedCard(card).readBy);
  if (!idempotency.ok) return refused(c, idempotency.refusal);
  const directives = cacheDirectives(c.req.header("cache-control"));
  const asking = {
    request,
    card,
    idempotency: idempotency.value,
    directives,
    delivery: wantsStream
      ? ({ kind: "events" } as const)
      : ({ kind: "body", waitMs: null } as const),
  };
  return await askAndReply(c, asking, {
    body: (answer) => c.json(render.whole(answer), 200, { "cache-control": "private" }),
    events: ({ answerId, events, isUnderWay }) => {
      const refusedRequest = { requestId: c.get("requestId"), instance: c.req.path };
      const updates = (render.grow ?? growingText)(decodeSse(events), refusedRequest);
      const stream = sseStream(render.stream(updates, answerId), {
        cancel: () => {
          // They have no way to come back for it, unless an Idempotency-Key can find it again.
          if (isUnderWay && idempotency.value === null)
            c.executionCtx.waitUntil(answersOf(c.env).cancel(answerId, viewerIn(c)));
        },
      });
      return c.body(stream, 200, { ...eventHeaders });
    },
  });
}
