import type { FieldCompletedBody } from "#wire/api/answers/fields/field-messages.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { decodeSse, SseFormatError, type SseMessage } from "#wire/codec/sse.ts";
import type { FrameBody, RestartedBody, StartedBody } from "#wire/function/event-messages.ts";
import { ConnectionError, parseProblem, RefusedError, ReplyError, UnmaskError } from "../errors.ts";

/** A finished answer, as the API tells it. */
export type Answer = AnswerBody;

/**
 * What happens while an answer is made: the start, a frame for every step, before it the fields that are known with it, then how it ended. Rarely it begins anew:
 * behind `answer.restarted`, or another `answer.started`, what was told before is none of it any more, and its frames come
 * again from the first. Where replies cannot be read as they arrive, `answer.snapshot` comes in place of all but the end: the
 * answer as it stood when it was looked at.
 */
export type AnswerUpdate =
  | ({ readonly event: "answer.started" } & StartedBody)
  | ({ readonly event: "answer.restarted" } & RestartedBody)
  | ({ readonly event: "field.completed" } & FieldCompletedBody)
  | ({ readonly event: "answer.frame" } & FrameBody)
  | ({ readonly event: "answer.snapshot" } & Answer)
  | AnswerEnd;

/** `completed`, `partial` at its deadline, or `cancelled`; a failed answer is thrown. */
export type AnswerEnd = {
  readonly event: "answer.completed" | "answer.partial" | "answer.cancelled";
} & Answer;

/** The events of one connection; it always ends by throwing, unless it is left before. */
export async function* messagesOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<SseMessage, void, undefined> {
  try {
    yield* decodeSse(body);
  } catch (cause) {
    throw named(cause);
  }
  throw new ConnectionError("the connection ended before the answer did");
}

/** Where an event stands in the answer's stream, also over restarts: the number behind the answer's id. */
export function placeOf({ event, id = "" }: SseMessage): number {
  const place = /\.([0-9]{1,9})$/.exec(id)?.[1];
  if (place === undefined) throw new ReplyError(`${event} has no place in its stream`);
  return Number(place);
}

/** Says whether nothing comes behind it. */
export function isEnd(update: AnswerUpdate): update is AnswerEnd {
  switch (update.event) {
    case "answer.started":
    case "answer.restarted":
    case "field.completed":
    case "answer.frame":
    case "answer.snapshot":
      return false;
    default:
      return true;
  }
}

/** Reads an event. Throws RefusedError for a failed answer, ReplyError for what is none of the API's. */
export function readMessage({ event, data }: SseMessage): AnswerUpdate {
  const body = parseObject(data);
  switch (event) {
    case "answer.started":
      return { event, ...(body as StartedBody) };
    case "answer.restarted":
      return { event, ...(body as RestartedBody) };
    case "field.completed":
      return { event, ...(body as FieldCompletedBody) };
    case "answer.frame":
      return { event, ...(body as FrameBody) };
    case "answer.completed":
    case "answer.partial":
    case "answer.cancelled":
      return { event, ...(body as AnswerBody) };
    case "answer.failed":
      throw failureOf(body);
    default:
      throw new ReplyError(`unknown event ${event.slice(0, 64)}`);
  }
}

/** An answer that was looked at, as an update. Throws RefusedError for a failed one. */
export function readSnapshot(answer: Answer): AnswerUpdate {
  switch (answer.status) {
    case "completed":
      return { event: "answer.completed", ...answer };
    case "partial":
      return { event: "answer.partial", ...answer };
    case "cancelled":
      return { event: "answer.cancelled", ...answer };
    case "failed":
      throw failureOf(answer.error);
    default:
      return { event: "answer.snapshot", ...answer };
  }
}

function failureOf(body: unknown): UnmaskError {
  const problem = parseProblem(body);
  return problem === undefined
    ? new ReplyError("a failure without a problem")
    : new RefusedError(problem);
}

function parseObject(data: string): object {
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch (cause) {
    throw new ReplyError("an event is not JSON", { cause });
  }
  if (typeof body !== "object" || body === null) throw new ReplyError("an event has no body");
  return body;
}

function named(cause: unknown): unknown {
  if (cause instanceof UnmaskError) return cause;
  if (cause instanceof SseFormatError)
    return new ReplyError("the reply is no stream of events", { cause });
  return new ConnectionError("the connection broke before the answer was complete", { cause });
}
