import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody, MessageBody } from "../api/answers/answer-request.ts";
import type { ImageBody } from "../api/answers/image-body.ts";
import type { AskedCard } from "../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../api/answers/requests.ts";
import { isDataUri } from "../body/data-uri.ts";
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
  const request = parseAnswerValue(questionOf(parsed.data, card), card, sent.picture);
  if (!request.ok) return refuse(inChat(request.refusal, parsed.data));
  return ok({
    request: request.value,
    wantsStream: parsed.data.stream ?? false,
    wantsUsage: parsed.data.stream_options?.include_usage ?? false,
  });
}

/** OpenAI's clients send null for what they leave open. */
function presentFields(body: unknown): Record<string, unknown> | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** Writes a chat as our own request body; `parseAnswerValue` checks the rest. */
function questionOf(chat: ChatBody, { abilities }: AskedCard): AnswerRequestBody {
  const pictures = chat.messages.flatMap(picturesOf);
  const ceiling = chat.max_completion_tokens ?? chat.max_tokens;
  const canvas = chat.x_unmask?.["canvas"] ?? abilities.canvas.recommended;
  return {
    ...chat.x_unmask,
    ...(chat.model === undefined ? {} : { model: chat.model }),
    messages: chat.messages.map(messageOf),
    ...(pictures.length === 0 ? {} : detailOf(pictures)),
    // A canvas of another type is for the schema to refuse.
    ...(ceiling === undefined || typeof canvas !== "number"
      ? {}
      : { canvas: Math.min(ceiling, canvas) }),
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

function messageOf(message: ChatMessageBody): MessageBody {
  const role = message.role === "developer" ? "system" : message.role;
  const texts = partsOf(message).flatMap((part) => {
    if (part.type === "image_url") return [];
    return [part.type === "text" ? part.text : part.refusal];
  });
  const images = picturesOf(message).map(({ image_url }) => pictureOf(image_url.url));
  const content = texts.join("\n");
  return images.length === 0 ? { role, content } : { role, content, images };
}

function pictureOf(url: string): ImageBody {
  return isDataUri(url) ? { data: url } : { url };
}

/** One level of detail holds for all pictures of a question: low where none asks for more. */
function detailOf(pictures: readonly PicturePart[]): Pick<AnswerRequestBody, "detail"> {
  return { detail: pictures.every(({ image_url }) => image_url.detail === "low") ? "low" : "auto" };
}

/** Says the faults of our own body in terms of the chat's. */
function inChat(failure: Failure, chat: ChatBody): Failure {
  if (failure.kind !== "invalid_request") return failure;
  const problems = failure.problems.map(({ pointer, message }) => ({
    pointer: chatPointer(pointer, chat),
    message,
  }));
  return { ...failure, problems };
}

/** Where in the chat stands what lies at `pointer` of our own body. */
function chatPointer(pointer: string, { messages }: ChatBody): string {
  const [, field = "", index, member, image] = pointer.split("/");
  if (!chatFields.has(field)) return `/x_unmask${pointer}`;
  if (field !== "messages" || member !== "images" || image === undefined) return pointer;
  const message = messages[Number(index)];
  const parts = message === undefined ? [] : partsOf(message).entries().toArray();
  const [part] = parts.filter(([, { type }]) => type === "image_url")[Number(image)] ?? [];
  return `/messages/${index}/content/${part}/image_url/url`;
}

const chatFields: ReadonlySet<string> = new Set([
  "messages",
  "model",
  "temperature",
  "seed",
  "stop",
]);

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}
