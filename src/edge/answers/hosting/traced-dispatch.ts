import type { MadeEvent } from "#domain/event.ts";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result } from "#domain/result.ts";
import type { Dispatched } from "../../fleet/dispatch.ts";
import { beginSpan } from "../../telemetry/spans.ts";
import type { StoredOrder } from "../storage/answer-order.ts";

/**
 * Has an order sent within a span of the answer's object: from the sending to the end of what the function tells. The function's own
 * span lies in it.
 */
export async function tracedDispatch(
  { job, requestId, traceparent }: Pick<StoredOrder, "job" | "requestId" | "traceparent">,
  send: (traceparent: string) => Promise<Result<Dispatched, Failure>>,
): Promise<Result<Dispatched, Failure>> {
  const span = beginSpan("answer.dispatch", "client", traceparent);
  const whose = {
    "unmask.request_id": requestId,
    "unmask.answer": job.id,
    "unmask.account": job.accountId,
    "unmask.model": job.card.id,
  };
  const end = (outcome: string, isError: boolean): void =>
    span.end({ ...whose, "unmask.outcome": outcome }, isError);
  try {
    const sent = await send(span.traceparent);
    if (!sent.ok) {
      end(sent.refusal.kind, true);
      return sent;
    }
    return ok({ ...sent.value, events: told(sent.value.events, end) });
  } catch (cause) {
    end("interrupted", false);
    throw cause;
  }
}

async function* told(
  events: Dispatched["events"],
  end: (outcome: string, isError: boolean) => void,
): AsyncGenerator<MadeEvent, void, undefined> {
  let outcome = "interrupted";
  try {
    for await (const event of events) {
      if (event.kind === "answer.failed") outcome = event.failure.kind;
      else if (event.kind !== "answer.frame" && event.kind !== "answer.started")
        outcome = event.kind.replace("answer.", "");
      yield event;
    }
  } finally {
    end(outcome, !["completed", "partial", "interrupted"].includes(outcome));
  }
}
