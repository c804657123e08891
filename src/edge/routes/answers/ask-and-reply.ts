import type { Context } from "hono";
import { setMetric } from "hono/timing";
import type { Result } from "#domain/result.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { encodeSse } from "#wire/codec/sse.ts";
import { failureIn, problemIn, type SentPlaces } from "#wire/compatible/sent-places.ts";
import { ask } from "../../answers/ask.ts";
import type { AskedAnswer, Asking, RefusedAsk } from "../../answers/asking.ts";
import { endMessage } from "../../answers/making/answer-event-log.ts";
import type { EdgeEnv } from "../../env.ts";
import { refused, refusedBy } from "../../guard/errors.ts";
import { callerContextOf, tellCache, tellRates } from "../reply-headers.ts";

/** How an API writes what was answered. */
export interface Rendering {
  /** An answer that has not failed; one that is still being made only where its caller would not wait for its end. */
  readonly body: (answer: AnswerBody) => Response;
  readonly events: (answer: ToldEvents) => Response;
  /** Whether one that has failed is told like any other, to who would come back for it; else it is a refusal. */
  readonly tellsFailures?: boolean;
  /** Where in the body of another API stands what a refusal names of ours. */
  readonly placeOf?: SentPlaces;
}

/** An answer's events, for a caller that listens. */
export interface ToldEvents {
  readonly answerId: string;
  /** Server-sent bytes. */
  readonly events: ReadableStream<Uint8Array>;
  /** Whether it is being made; else its end is all there is to tell. */
  readonly isUnderWay: boolean;
}

/** Asks, and replies as whatever API it came through writes it: the one way from a request to its answer. */
export async function askAndReply(
  c: Context<EdgeEnv>,
  asking: Asking,
  render: Rendering,
): Promise<Response> {
  const asked = await ask(callerContextOf(c), asking);
  return replyTo(c, asking, asked, render);
}

/** Replies with what came of asking, and with what every such reply says of rates, cache, repetition and time. */
export function replyTo(
  c: Context<EdgeEnv>,
  { delivery }: Pick<Asking, "delivery">,
  asked: Result<AskedAnswer, RefusedAsk>,
  render: Rendering,
): Response {
  tellRates(c, (asked.ok ? asked.value : asked.refusal).allowances);
  const { placeOf = (pointer) => pointer } = render;
  if (!asked.ok) return refused(c, failureIn(asked.refusal.failure, placeOf));
  const { answerId, told, isReplay, cache, timings } = asked.value;
  c.set("answerId", answerId);
  const body = told.kind === "body" ? told.body : null;
  setMetric(c, "cache", timings.cacheMs);
  setMetric(c, "queue", timings.queueMs);
  if (body !== null) {
    setMetric(c, "steps", timings.makingMs, String(body.usage.steps));
    const { image_vectors: vectors, cached_image_vectors: kept } = body.usage;
    if (vectors > 0) setMetric(c, "vision", `${kept} of ${vectors} vectors kept`);
  }
  if (isReplay) c.header("idempotency-replayed", "true");
  tellCache(c, cache, body);
  if (told.kind === "events")
    return render.events({ answerId, events: told.events, isUnderWay: true });
  if (delivery.kind === "events")
    return render.events({ answerId, events: endAlone(told.body), isUnderWay: false });
  return told.body.error === null || render.tellsFailures === true
    ? render.body(told.body)
    : refusedBy(c, problemIn(told.body.error, placeOf));
}

function endAlone(body: AnswerBody): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(encodeSse(endMessage(body)));
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}
