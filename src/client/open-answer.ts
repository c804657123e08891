import type { Answer, AnswerSource, OpenedAnswer } from "./answer-stream.ts";
import { type Ask, bodyOf } from "./ask.ts";
import { ConnectionError, ReplyError } from "./errors.ts";
import { hasStreams, lateSignal } from "./platform.ts";
import {
  type ClientOptions,
  call,
  DEFAULT_RETRIES,
  pause,
  readObject,
  restFor,
  sendAgain,
} from "./send.ts";

/** Time for a cancellation that nobody waits for. */
const CANCEL_MS = 10_000;

/** Between two looks at an answer: what the service names in its Retry-After. */
const LOOK_MS = 1_000;

/** A question, and how it is sent: all that is the same each time. */
interface Question {
  readonly ask: Ask;
  readonly idempotencyKey: string;
}

/** Asks over the API: what an AnswerStream draws from. */
export function openAnswer(options: ClientOptions, ask: Ask, idempotencyKey: string): AnswerSource {
  const question = { ask, idempotencyKey };
  const open = async (signal: AbortSignal): Promise<OpenedAnswer> => {
    if (!canStream(options)) return await openWhole(options, question, signal);
    const response = await post(options, question, { accept: EVENTS }, signal);
    const answerId = /\/v1\/answers\/([^/]+)$/.exec(response.headers.get("location") ?? "")?.[1];
    const body = eventsOf(response, options);
    // Asked again under its key it is the same answer, charged once: of one that is over its place was not told.
    if (body === undefined && answerId === undefined)
      return await openWhole(options, question, signal);
    return { body, answerId };
  };
  return { ...comingBack(options), givesUp: true, open };
}

/** Comes back to an answer that was asked before, behind the event that was heard last. */
export function watchAnswer(
  options: ClientOptions,
  answerId: string,
  lastEventId: string | undefined,
): AnswerSource {
  const back = comingBack(options);
  return {
    ...back,
    givesUp: false,
    open: async (signal) => ({
      answerId,
      body: canStream(options) ? await back.resume(answerId, lastEventId, signal) : undefined,
    }),
  };
}

const EVENTS = "text/event-stream";

function canStream({ stream, fetch }: ClientOptions): boolean {
  return stream ?? (fetch !== undefined || hasStreams());
}

/** Asks for the whole answer, waiting no longer than it takes to know its id. */
async function openWhole(
  options: ClientOptions,
  question: Question,
  signal: AbortSignal,
): Promise<OpenedAnswer> {
  const headers = { accept: "application/json", prefer: "wait=1" };
  const response = await post(options, question, headers, signal);
  const answer: Answer = await readObject(response);
  return { answer, answerId: answer.id };
}

async function post(
  options: ClientOptions,
  { ask, idempotencyKey }: Question,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Response> {
  const body = await bodyOf(ask);
  return await sendAgain(options, "/v1/answers", {
    method: "POST",
    body,
    headers: {
      ...headers,
      ...(typeof body === "string" ? { "content-type": "application/json" } : {}),
      "idempotency-key": idempotencyKey,
    },
    signal,
  });
}

/** All that an answer needs once it has an id. */
function comingBack(options: ClientOptions): Omit<AnswerSource, "open" | "givesUp"> {
  const at = (answerId: string): string => `/v1/answers/${encodeURIComponent(answerId)}`;
  return {
    retries: options.retries ?? DEFAULT_RETRIES,
    async resume(answerId, lastEventId, signal) {
      const response = await sendAgain(options, `${at(answerId)}/events`, {
        headers: {
          accept: EVENTS,
          ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
        },
        signal,
      });
      return eventsOf(response, options);
    },
    look: (answerId, signal) => call(options, at(answerId), { signal }),
    async cancel(answerId) {
      // Kept alive, because a page that is left cancels too.
      await sendAgain(options, `${at(answerId)}/cancel`, {
        method: "POST",
        keepalive: true,
        signal: lateSignal(CANCEL_MS, () => new ConnectionError("nobody answered in time")),
      });
    },
    pause: (failures, signal) => pause(options, failures, undefined, signal),
    rest: (signal) => restFor(options, LOOK_MS, signal),
  };
}

/** A reply's events; undefined where there are none to come, or this runtime does not give them as they arrive. */
function eventsOf(
  response: Response,
  { baseUrl }: ClientOptions,
): ReadableStream<Uint8Array> | undefined {
  if (response.status === 204) return undefined;
  if (response.headers.get("content-type")?.startsWith(EVENTS) !== true)
    throw new ReplyError(`${baseUrl} did not answer with a stream of events`);
  // React Native's replies have no such member.
  return response.body ?? undefined;
}
