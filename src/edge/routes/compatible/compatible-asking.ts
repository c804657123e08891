import type { Context } from "hono";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { decodeSse, type SseMessage, sseStream } from "#wire/codec/sse.ts";
import { chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { problemIn, type SentPlaces } from "#wire/compatible/sent-places.ts";
import { growingText, type TextUpdate } from "#wire/compatible/stable-text.ts";
import type { RefusedRequest } from "#wire/error.ts";
import { answersOf } from "../../answers/answer-client.ts";
import type { Asking, Delivery } from "../../answers/asking.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused } from "../../guard/errors.ts";
import { cacheDirectives } from "../../headers/cache-control.ts";
import { idempotencyOf } from "../../headers/idempotency.ts";
import type { ReadRequest } from "../answers/answer-body.ts";
import { askAndReply, type Rendering } from "../answers/ask-and-reply.ts";
import { askedCard } from "../asked-card.ts";
import type { Content } from "../describe/route.ts";
import { eventHeaders, viewerIn } from "../reply-headers.ts";

/** How refusals read on these routes, in the API's description; `errorShape` writes them. */
export const compatibleRefusals: Content = { "application/json": { schema: chatErrorSchema } };

/** How another API writes an answer. */
export interface CompatibleRendering {
  /** Where in its body stands what a refusal names of ours. */
  readonly placeOf: SentPlaces;
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

/** Asks for the whole answer as `POST /v1/answers` does, and replies as `render` writes it. */
export async function answerWhole(
  c: Context<EdgeEnv>,
  read: ReadRequest,
  render: Pick<CompatibleRendering, "placeOf" | "whole">,
): Promise<Response> {
  return await answerCompatibly(c, read, false, {
    ...render,
    stream: () => {
      throw new Error("a stream was asked for where there is none");
    },
  });
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
  const asking = {
    ...{ request, card, idempotency: idempotency.value },
    directives: cacheDirectives(c.req.header("cache-control")),
    delivery: compatibleDelivery(wantsStream),
  };
  return await askAndReply(c, asking, renderingFor(c, asking, render));
}

/** How a caller that waits has its answer told. */
export function compatibleDelivery(wantsStream: boolean): Delivery {
  return wantsStream ? { kind: "events" } : { kind: "body", waitMs: null };
}

/** Replies as `render` writes it. `isForLater`: whether the caller was told an id to come back with. */
export function renderingFor(
  c: Context<EdgeEnv>,
  { idempotency }: Pick<Asking, "idempotency">,
  render: CompatibleRendering,
  isForLater = false,
): Rendering {
  return {
    tellsFailures: isForLater,
    placeOf: render.placeOf,
    body: (answer) => {
      const keeping = answer.ended_at === null ? "no-store" : "private";
      return c.json(render.whole(answer), 200, { "cache-control": keeping });
    },
    events: ({ answerId, events, isUnderWay }) =>
      c.body(
        textStream(c, events, {
          placeOf: render.placeOf,
          ...(render.grow === undefined ? {} : { grow: render.grow }),
          write: (updates) => render.stream(updates, answerId),
          cancel: () => {
            // They have no way to come back for it, unless an Idempotency-Key can find it again.
            if (isUnderWay && !isForLater && idempotency === null)
              c.executionCtx.waitUntil(answersOf(c.env).cancel(answerId, viewerIn(c)));
          },
        }),
        200,
        { ...eventHeaders },
      ),
  };
}

/** An answer's events as another API writes them, as server-sent bytes. */
export function textStream(
  c: Context<EdgeEnv>,
  events: ReadableStream<Uint8Array>,
  stream: Pick<CompatibleRendering, "grow" | "placeOf"> & {
    readonly write: (updates: AsyncIterable<TextUpdate>) => AsyncIterable<SseMessage>;
    /** The caller has left. */
    readonly cancel: () => void;
  },
): ReadableStream<Uint8Array> {
  const refusedRequest = { requestId: c.get("requestId"), instance: c.req.path };
  const updates = (stream.grow ?? growingText)(decodeSse(events), refusedRequest);
  return sseStream(stream.write(placed(updates, stream.placeOf)), { cancel: stream.cancel });
}

async function* placed(
  updates: AsyncIterable<TextUpdate>,
  placeOf: SentPlaces,
): AsyncGenerator<TextUpdate, void, undefined> {
  for await (const update of updates)
    yield update.kind === "failed"
      ? { ...update, problem: problemIn(update.problem, placeOf) }
      : update;
}
