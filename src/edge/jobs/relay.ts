import type { AnswerCompleted, AnswerEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { problemOf, type RefusedRequest } from "#wire/error.ts";
import { bodyMessage, progressMessage } from "#wire/events.ts";
import { type AnsweredJob, answerBody } from "#wire/responses.ts";
import { type SseMessage, sseStream } from "#wire/sse.ts";

/** Waits for the end of an answer. */
export async function collectAnswer(
  events: AsyncIterable<AnswerEvent>,
): Promise<Result<AnswerCompleted, Failure>> {
  for await (const event of events) {
    if (event.kind === "answer.completed") return ok(event);
    if (event.kind === "answer.failed") return refuse(event.failure);
  }
  throw new Error("the events of an answer have no end");
}

/** Tells an answer to the caller while it is made. `leave` is called when the caller goes away before its end. */
export function relayAnswer(
  events: AsyncIterable<AnswerEvent>,
  job: AnsweredJob,
  request: RefusedRequest,
  leave: (reason: unknown) => void,
): ReadableStream<Uint8Array> {
  return sseStream(publicMessages(events, job, request), { cancel: leave });
}

/** The caller's end of an answer is the same body that a plain reply has, or the same problem. */
async function* publicMessages(
  events: AsyncIterable<AnswerEvent>,
  job: AnsweredJob,
  request: RefusedRequest,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const event of events) {
    switch (event.kind) {
      case "answer.started":
      case "answer.frame":
        yield progressMessage(event, job.jobId);
        break;
      case "answer.completed":
        yield bodyMessage(
          event.kind,
          answerBody(event, job),
          `${job.jobId}.${event.usage.steps + 1}`,
        );
        break;
      case "answer.failed":
        yield bodyMessage(event.kind, problemOf(event.failure, request));
        break;
      default:
        event satisfies never;
    }
  }
}
