import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../api/answers/answer-request.ts";
import type { AskedCard } from "../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../api/answers/requests.ts";
import type { JsonBody } from "../body/json-body.ts";
import { problemsOf } from "../field-problems.ts";
import { MAX_FIELD_PROBLEMS } from "../limits.ts";
import {
  type ChatBody,
  type ChatMessageBody,
  chatSchema,
  type PicturePart,
  type RefusalPart,
  type TextPart,
} from "./chat-body.ts";
import { refusedChatFields } from "./chat-refusals.ts";
import { canvasUnder, inForeignBody, type PlacedMessage, presentFields } from "./foreign-body.ts";
import { detailOf, pictureOf } from "./shown-picture.ts";

/** A chat request of OpenAI's clients, read as a question. */
export interface ChatRequest {
  readonly request: AnswerRequest;
  readonly wantsStream: boolean;
  /** Whether the stream ends with a chunk of usage. */
  readonly wantsUsage: boolean;
}

/**
 * Reads a body of `POST /v1/chat/completions`. `max_completion_tokens` (or `max_tokens`) is a ceiling: the
 * canvas is that long, but no longer than the model's card recommends, or than `x_unmask.canvas`. Without it, and for
 * `temperature`, our own defaults hold. Pictures stand before the text of the message
 * that brings them, in their order. `x_unmask` may hold any option of an answer request. Refuses with
 * `invalid_request`, with pointers into the chat body.
 */
export function parseChat(sent: JsonBody, card: AskedCard): Result<ChatRequest, Failure> {
  const body = sent.parse();
  if (!body.ok) return body;
  const fields = presentFields(body.value);
  if (fields === undefined) return refuseFields([{ pointer: "", message: "must be an object" }]);
  const refused = refusedChatFields(fields);
  if (refused.length > 0) return refuseFields(refused);
  const parsed = chatSchema.safeParse(fields);
  if (!parsed.success) return refuseFields(problemsOf(parsed.error));
  const placed = parsed.data.messages.map(messageOf);
  const request = parseAnswerValue(questionOf(parsed.data, placed, card), card, sent.picture);
  if (!request.ok) return refuse(inForeignBody(request.refusal, placed, chatPlaces));
  return ok({
    request: request.value,
    wantsStream: parsed.data.stream ?? false,
    wantsUsage: parsed.data.stream_options?.include_usage ?? false,
  });
}

/** Writes a chat as our own request body; `parseAnswerValue` checks the rest. */
function questionOf(
  chat: ChatBody,
  placed: readonly PlacedMessage[],
  card: AskedCard,
): AnswerRequestBody {
  const pictures = chat.messages.flatMap(picturesOf);
  const ceiling = chat.max_completion_tokens ?? chat.max_tokens;
  return {
    ...chat.x_unmask,
    ...(chat.model === undefined ? {} : { model: chat.model }),
    messages: placed.map(({ message }) => message),
    ...detailOf(pictures.map(({ image_url }) => image_url.detail)),
    ...canvasUnder(ceiling, chat.x_unmask?.["canvas"], card),
    ...(chat.temperature === undefined ? {} : { temperature: chat.temperature }),
    ...(chat.seed === undefined ? {} : { seed: chat.seed }),
    ...(chat.stop === undefined ? {} : { stop: chat.stop }),
    ...(chat.store === undefined ? {} : { store: chat.store }),
  };
}

function partsOf({ content }: ChatMessageBody): readonly (TextPart | RefusalPart | PicturePart)[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return content ?? [];
}

function picturesOf(message: ChatMessageBody): PicturePart[] {
  return partsOf(message).filter((part) => part.type === "image_url");
}

function messageOf(message: ChatMessageBody, index: number): PlacedMessage {
  const role = message.role === "developer" ? "system" : message.role;
  const at = `/messages/${index}`;
  const texts: string[] = [];
  const images: string[] = [];
  for (const [part, shown] of partsOf(message).entries()) {
    if (shown.type === "image_url") images.push(`${at}/content/${part}/image_url/url`);
    else texts.push(shown.type === "text" ? shown.text : shown.refusal);
  }
  const content = texts.join("\n");
  const pictures = picturesOf(message).map(({ image_url }) => pictureOf(image_url.url));
  return {
    message: pictures.length === 0 ? { role, content } : { role, content, images: pictures },
    at,
    content: `${at}/content`,
    images,
  };
}

const chatPlaces = { list: "messages", sent: ["model", "temperature", "seed", "stop"] } as const;

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}
