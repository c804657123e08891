import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { problemOf, type RefusedRequest } from "#wire/error.ts";
import { bodyMessage, progressMessage } from "#wire/events.ts";
import type { AnswerBody } from "#wire/responses.ts";
import { type SseMessage, sseStream } from "#wire/sse.ts";
import type { PaidEvent } from "./payment.ts";

/** Waits for the end of an answer. */
export async function collectAnswer(
  events: AsyncIterable<PaidEvent>,
): Promise<Result<AnswerBody, Failure>> {
  for await (const event of events) {
    if (event.kind === "answer.completed") return ok(event.body);
    if (event.kind === "answer.failed") return refuse(event.failure);
  }
  throw new Error("the events of an answer have no end");
}

/** Tells an answer to the caller while it is made. `leave` is called when the caller goes away before its end. */
export function relayAnswer(
  events: AsyncIterable<PaidEvent>,
  jobId: string,
  request: RefusedRequest,
  leave: (reason: unknown) => void,
): ReadableStream<Uint8Array> {
  return sseStream(publicMessages(events, jobId, request), { cancel: leave });
}

/** The caller's end of an answer is the same body that a plain reply has, or the same problem. */
async function* publicMessages(
  events: AsyncIterable<PaidEvent>,
  jobId: string,
  request: RefusedRequest,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const event of events) {
    switch (event.kind) {
      case "answer.started":
      case "answer.frame":
        yield progressMessage(event, jobId);
        break;
      case "answer.completed":
        yield completedMessage(event.body);
        break;
      case "answer.failed":
        yield bodyMessage(event.kind, problemOf(event.failure, request));
        break;
      default:
        event satisfies never;
    }
  }
}

/** The last event of an answer; for one that is told again, the only one. */
export function completedMessage(body: AnswerBody): SseMessage {
  return bodyMessage("answer.completed", body, `${body.id}.${body.usage.steps + 1}`);
}
