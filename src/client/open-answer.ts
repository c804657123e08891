import type { AnswerSource } from "./answer-stream.ts";
import { type Ask, bodyOf } from "./ask.ts";
import { ReplyError } from "./errors.ts";
import { type ClientOptions, DEFAULT_RETRIES, pause, sendAgain } from "./send.ts";

/** Time for a cancellation that nobody waits for. */
const CANCEL_MS = 10_000;

/** Asks over the API: what an AnswerStream draws from. */
export function openAnswer(options: ClientOptions, ask: Ask, idempotencyKey: string): AnswerSource {
  const headers = { accept: "text/event-stream" };
  const at = (answerId: string): string => `/v1/answers/${encodeURIComponent(answerId)}`;
  return {
    retries: options.retries ?? DEFAULT_RETRIES,
    async open(signal) {
      const body = await bodyOf(ask);
      const response = await sendAgain(options, "/v1/answers", {
        method: "POST",
        body,
        headers: {
          ...headers,
          ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
          "idempotency-key": idempotencyKey,
        },
        signal,
      });
      const answerId = /\/v1\/answers\/([^/]+)$/.exec(response.headers.get("location") ?? "")?.[1];
      return { body: eventsOf(response, options), answerId };
    },
    async resume(answerId, lastEventId, signal) {
      const response = await sendAgain(options, `${at(answerId)}/events`, {
        headers: {
          ...headers,
          ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
        },
        signal,
      });
      return eventsOf(response, options);
    },
    async cancel(answerId) {
      // Kept alive, because a page that is left cancels too.
      await sendAgain(options, `${at(answerId)}/cancel`, {
        method: "POST",
        keepalive: true,
        signal: AbortSignal.timeout(CANCEL_MS),
      });
    },
    pause: (failures, signal) => pause(options, failures, undefined, signal),
  };
}

function eventsOf(response: Response, { baseUrl }: ClientOptions): ReadableStream<Uint8Array> {
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (response.body === null || isStream !== true)
    throw new ReplyError(`${baseUrl} did not answer with a stream of events`);
  return response.body;
}
