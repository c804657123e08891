import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody, ImageBody, MessageBody } from "./answer-request.ts";
import {
  type ChatBody,
  type ChatMessageBody,
  chatSchema,
  type PicturePart,
  type TextPart,
} from "./chat-body.ts";
import { refusedChatFields } from "./chat-refusals.ts";
import { problemsOf } from "./field-problems.ts";
import { parseJson } from "./generate.ts";
import { MAX_CANVAS, MAX_FIELD_PROBLEMS } from "./limits.ts";
import { type AnswerRequest, parseAnswerValue } from "./requests.ts";

/** A chat request of OpenAI's clients, read as a question. */
export interface ChatRequest {
  readonly request: AnswerRequest;
  readonly wantsStream: boolean;
  /** Whether the stream ends with a chunk of usage. */
  readonly wantsUsage: boolean;
}

/**
 * Reads a body of `POST /v1/chat/completions`. `max_completion_tokens` (or `max_tokens`) is the canvas, at most
 * `MAX_CANVAS`; without it, and for `temperature`, our own defaults hold. Pictures stand before the first user message, in
 * their order, wherever they were sent. `x_unmask` may hold any option of an answer request. Refuses with
 * `invalid_request`, with pointers into the chat body.
 */
export function parseChat(bytes: Uint8Array): Result<ChatRequest, Failure> {
  const body = parseJson(bytes);
  if (!body.ok) return body;
  const fields = presentFields(body.value);
  if (fields === undefined) return refuseFields([{ pointer: "", message: "must be an object" }]);
  const refused = refusedChatFields(fields);
  if (refused.length > 0) return refuseFields(refused);
  const parsed = chatSchema.safeParse(fields);
  if (!parsed.success) return refuseFields(problemsOf(parsed.error));
  const request = parseAnswerValue(questionOf(parsed.data));
  if (!request.ok) return refuse(inChat(request.refusal));
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
function questionOf(chat: ChatBody): AnswerRequestBody {
  const parts = chat.messages.flatMap(({ content }) => (Array.isArray(content) ? content : []));
  const pictures = parts.filter(isPicture);
  const limit = chat.max_completion_tokens ?? chat.max_tokens;
  return {
    ...chat.x_unmask,
    ...(chat.model === undefined ? {} : { model: chat.model }),
    messages: chat.messages.map(messageOf),
    ...(pictures.length === 0
      ? {}
      : {
          images: pictures.map(({ image_url }) => pictureOf(image_url.url)),
          ...detailOf(pictures),
        }),
    ...(limit === undefined ? {} : { canvas: Math.min(limit, MAX_CANVAS) }),
    ...(chat.temperature === undefined ? {} : { temperature: chat.temperature }),
    ...(chat.seed === undefined ? {} : { seed: chat.seed }),
    ...(chat.stop === undefined ? {} : { stop: chat.stop }),
  };
}

function isPicture(part: TextPart | PicturePart): part is PicturePart {
  return part.type === "image_url";
}

function messageOf({ role, content }: ChatMessageBody): MessageBody {
  const text =
    typeof content === "string"
      ? content
      : content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
  return { role: role === "developer" ? "system" : role, content: text };
}

function pictureOf(url: string): ImageBody {
  return url.startsWith("data:") ? { data: url } : { url };
}

/** One level of detail holds for all pictures of a question: low where none asks for more. */
function detailOf(pictures: readonly PicturePart[]): Pick<AnswerRequestBody, "detail"> {
  return { detail: pictures.every(({ image_url }) => image_url.detail === "low") ? "low" : "auto" };
}

/** Says the faults of our own body in terms of the chat's. */
function inChat(failure: Failure): Failure {
  if (failure.kind !== "invalid_request") return failure;
  const problems = failure.problems.map(({ pointer, message }) => {
    const field = pointer.split("/")[1] ?? "";
    if (field === "images") return { pointer: "/messages", message: `a picture ${message}` };
    if (field === "canvas") return { pointer: "/max_completion_tokens", message };
    return chatFields.has(field)
      ? { pointer, message }
      : { pointer: `/x_unmask${pointer}`, message };
  });
  return { ...failure, problems };
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
