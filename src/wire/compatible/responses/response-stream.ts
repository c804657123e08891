import type { SseMessage } from "../../codec/sse.ts";
import type { TextUpdate } from "../stable-text.ts";
import { textOf } from "./response-format.ts";
import { messageId } from "./response-id.ts";
import {
  errorOf,
  outputMessage,
  outputText,
  type ResponseBody,
  responseBody,
  responseHead,
  type ToldTerms,
} from "./response-reply.ts";

/** What is known of a response before its answer. */
export interface StreamHead {
  readonly answerId: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
  readonly told: ToldTerms;
  /** What the caller has heard of it before: only what comes behind is told. Absent: nothing. */
  readonly after?: number | undefined;
}

/** The number of the last event before the text. */
const BEFORE_TEXT = 3;

const place = { output_index: 0, content_index: 0 } as const;

/**
 * Writes an answer's growing text as the events of a response. The `sequence_number` of a delta counts the characters that have
 * been told with it: however the text comes in pieces the next time, after a number stands the same, so that a stream can be gone on
 * with behind any event. A failure is `response.failed`, the last.
 */
export async function* responseEvents(
  updates: AsyncIterable<TextUpdate>,
  head: StreamHead,
): AsyncGenerator<SseMessage, void, undefined> {
  const { after = -1 } = head;
  let length = 0;
  const heard = after - BEFORE_TEXT;
  yield* behind(after, opening(head));
  for await (const update of updates) {
    switch (update.kind) {
      case "text": {
        const fresh = update.text.slice(Math.max(0, heard - length));
        length += update.text.length;
        if (fresh !== "") yield event(BEFORE_TEXT + length, deltaOf(fresh, head));
        break;
      }
      case "end":
        yield* behind(after, closing(update, head), BEFORE_TEXT + length + 1);
        return;
      case "failed": {
        const response: Partial<ResponseBody> = {
          ...unfinished(head),
          ...{ status: "failed", error: errorOf(update.problem) },
        };
        yield event(BEFORE_TEXT + length + 1, { type: "response.failed", response });
        return;
      }
      default:
        update satisfies never;
    }
  }
}

type EventBody = { readonly type: string } & Readonly<Record<string, unknown>>;

function opening(head: StreamHead): readonly EventBody[] {
  const item_id = messageId(head.answerId);
  const message = { id: item_id, type: "message", role: "assistant", content: [] };
  return [
    { type: "response.created", response: unfinished(head) },
    { type: "response.in_progress", response: unfinished(head) },
    {
      type: "response.output_item.added",
      ...{ output_index: 0, item: { ...message, status: "in_progress" } },
    },
    { type: "response.content_part.added", item_id, ...place, part: outputText("") },
  ];
}

function deltaOf(delta: string, { answerId }: StreamHead): EventBody {
  const item_id = messageId(answerId);
  return { type: "response.output_text.delta", item_id, ...place, delta, logprobs: [] };
}

function closing(
  { answer }: Extract<TextUpdate, { kind: "end" }>,
  { answerId, told }: StreamHead,
): readonly EventBody[] {
  const item_id = messageId(answerId);
  const response = responseBody(answer, told);
  const { text } = textOf(answer, told.terms.format);
  return [
    { type: "response.output_text.done", item_id, ...place, text, logprobs: [] },
    { type: "response.content_part.done", item_id, ...place, part: outputText(text) },
    { type: "response.output_item.done", output_index: 0, item: outputMessage(answer, told.terms) },
    {
      // There is no event of their API for a response that somebody else cancelled: its status says so.
      type: response.status === "completed" ? "response.completed" : "response.incomplete",
      response,
    },
  ];
}

function unfinished({
  answerId,
  model,
  created,
  told,
}: StreamHead): Omit<ResponseBody, "x_unmask"> {
  return {
    ...responseHead(answerId, model, created, told),
    ...{ completed_at: null, status: "in_progress", error: null, incomplete_details: null },
    ...{ output: [], usage: null },
  };
}

/** Those whose number is above `after`; the first of them has number `from`. */
function* behind(after: number, events: readonly EventBody[], from = 0): Generator<SseMessage> {
  for (const [index, body] of events.entries())
    if (from + index > after) yield event(from + index, body);
}

function event(sequence_number: number, { type, ...body }: EventBody): SseMessage {
  return { event: type, data: JSON.stringify({ type, sequence_number, ...body }) };
}
