import type { SseMessage } from "../codec/sse.ts";
import {
  type ChatChunkBody,
  type ChatDeltaBody,
  callId,
  chatError,
  chatExtras,
  chatUsage,
  type FinishReason,
  finishReason,
  jsonFinish,
} from "./chat-reply.ts";
import type { TextUpdate } from "./stable-text.ts";
import type { ChatJson } from "./structured/growing-json.ts";

/** What every chunk of one completion says. */
export interface ChunkHead {
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
  /** Where JSON is wanted. */
  readonly json?: ChatJson;
}

/** Writes an answer's growing text as chunks of a chat completion, with `[DONE]` behind them. A failure is a chunk `{error}`, the last. */
export async function* chatChunks(
  updates: AsyncIterable<TextUpdate>,
  head: ChunkHead,
  wantsUsage: boolean,
): AsyncGenerator<SseMessage, void, undefined> {
  const piece = (
    delta: ChatDeltaBody,
    finish_reason: FinishReason | null = null,
  ): ChatChunkBody => ({
    id: head.id,
    object: "chat.completion.chunk",
    created: head.created,
    model: head.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(wantsUsage ? { usage: null } : {}),
  });
  const { json } = head;
  yield chunk(piece(beginning(head)));
  for await (const update of updates) {
    switch (update.kind) {
      case "text":
        yield chunk(piece(grown(json, update.text)));
        break;
      case "end": {
        const { answer } = update;
        const reason = json === undefined ? finishReason(answer) : jsonFinish(answer, json);
        const last = { ...piece({}, reason), x_unmask: chatExtras(answer) };
        yield chunk(last);
        if (wantsUsage) yield chunk({ ...piece({}), choices: [], usage: chatUsage(answer) });
        break;
      }
      case "failed":
        yield chunk(chatError(update.problem));
        return;
      default:
        update satisfies never;
    }
  }
  yield { event: "message", data: "[DONE]" };
}

function beginning({ id, json }: ChunkHead): ChatDeltaBody {
  if (json?.call === undefined) return { role: "assistant", content: "" };
  const { name } = json.call;
  const call = { id: callId(id), type: "function", function: { name, arguments: "" } } as const;
  return { role: "assistant", content: null, tool_calls: [{ index: 0, ...call }] };
}

function grown(json: ChatJson | undefined, text: string): ChatDeltaBody {
  return json?.call === undefined
    ? { content: text }
    : { tool_calls: [{ index: 0, function: { arguments: text } }] };
}

function chunk(body: object): SseMessage {
  return { event: "message", data: JSON.stringify(body) };
}
