import type { SseMessage } from "../codec/sse.ts";
import {
  type ChatChunkBody,
  chatError,
  chatExtras,
  chatUsage,
  type FinishReason,
  finishReason,
} from "./chat-reply.ts";
import type { TextUpdate } from "./stable-text.ts";

/** What every chunk of one completion says. */
export interface ChunkHead {
  readonly id: string;
  readonly model: string;
  /** Unix seconds. */
  readonly created: number;
}

/** Writes an answer's growing text as chunks of a chat completion, with `[DONE]` behind them. A failure is a chunk `{error}`, the last. */
export async function* chatChunks(
  updates: AsyncIterable<TextUpdate>,
  head: ChunkHead,
  wantsUsage: boolean,
): AsyncGenerator<SseMessage, void, undefined> {
  const piece = (
    delta: ChatChunkBody["choices"][number]["delta"],
    finish_reason: FinishReason | null = null,
  ): ChatChunkBody => ({
    id: head.id,
    object: "chat.completion.chunk",
    created: head.created,
    model: head.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    ...(wantsUsage ? { usage: null } : {}),
  });
  yield chunk(piece({ role: "assistant", content: "" }));
  for await (const update of updates) {
    switch (update.kind) {
      case "text":
        yield chunk(piece({ content: update.text }));
        break;
      case "end": {
        const { answer } = update;
        const last = { ...piece({}, finishReason(answer)), x_unmask: chatExtras(answer) };
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

function chunk(body: object): SseMessage {
  return { event: "message", data: JSON.stringify(body) };
}
