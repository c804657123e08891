import type { Failure, FieldProblem } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody, MessageBody } from "../api/answers/answer-request.ts";
import type { AskedCard } from "../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../api/answers/requests.ts";
import type { JsonBody } from "../body/json-body.ts";
import { problemsOf } from "../field-problems.ts";
import { MAX_FIELD_PROBLEMS } from "../limits.ts";
import {
  type ChatBody,
  type ChatMessageBody,
  chatSchema,
  NO_ROLE,
  type PicturePart,
  type RefusalPart,
  type TextPart,
} from "./chat-body.ts";
import { refusedChatFields } from "./chat-refusals.ts";
import {
  canvasUnder,
  latePlacesIn,
  type PlacedMessage,
  placesIn,
  presentFields,
} from "./foreign-body.ts";
import { failureIn, type SentPlaces } from "./sent-places.ts";
import { detailOf, pictureOf } from "./shown-picture.ts";
import type { ChatJson } from "./structured/growing-json.ts";
import { schemaQuestion } from "./structured/schema-question.ts";
import { type WantedJson, wantedJson } from "./structured/wanted-json.ts";

/** A chat request of OpenAI's clients, read as a question. */
export interface ChatRequest {
  readonly request: AnswerRequest;
  readonly wantsStream: boolean;
  /** Whether the stream ends with a chunk of usage. */
  readonly wantsUsage: boolean;
  /** Absent: words are wanted. */
  readonly json?: ChatJson;
  readonly placeOf: SentPlaces;
}

/**
 * Reads a body of `POST /v1/chat/completions`. `max_completion_tokens` (or `max_tokens`) is a ceiling: the
 * canvas is that long, but no longer than the model's card recommends, or than `x_unmask.canvas`. Without it, and for
 * `temperature`, our own defaults hold. Pictures stand before the text of the message
 * that brings them, in their order. `x_unmask` may hold any option of an answer request. A JSON Schema, as `response_format` or as the
 * parameters of the one function that is forced, is read as fields; a ceiling of tokens says nothing then. Refuses with
 * `invalid_request`, or with what is wrong with the schema, with pointers into the chat body.
 */
export function parseChat(sent: JsonBody, card: AskedCard): Result<ChatRequest, Failure> {
  const body = sent.parse();
  if (!body.ok) return body;
  const fields = presentFields(body.value);
  if (fields === undefined) return refuseFields([{ pointer: "", message: "must be an object" }]);
  const refused = refusedChatFields(fields);
  const wanted = wantedJson(fields);
  const unfit = [...refused, ...(wanted.ok ? [] : wanted.refusal)];
  if (!wanted.ok || unfit.length > 0) return refuseFields(unfit);
  const parsed = chatSchema.safeParse(fields);
  if (!parsed.success) return refuseFields(problemsOf(parsed.error));
  const chat = parsed.data;
  const asked =
    wanted.value === undefined ? asWords(chat, card, sent) : asJson(chat, wanted.value, card, sent);
  if (!asked.ok) return asked;
  return ok({
    ...asked.value,
    wantsStream: chat.stream ?? false,
    wantsUsage: chat.stream_options?.include_usage ?? false,
  });
}

/** Whether a body is a chat that may want JSON: it says so in members that no other body has. */
export function isJsonChat(sent: JsonBody): boolean {
  const body = sent.parse();
  const fields = body.ok ? presentFields(body.value) : undefined;
  return fields !== undefined && ["response_format", "tools"].some((name) => name in fields);
}

type Asked = Pick<ChatRequest, "request" | "json" | "placeOf">;

function asWords(chat: ChatBody, card: AskedCard, sent: JsonBody): Result<Asked, Failure> {
  const called = chat.messages.flatMap(({ role }, index) =>
    role === "tool" ? [{ pointer: `/messages/${index}/role`, message: NO_ROLE }] : [],
  );
  if (called.length > 0) return refuseFields(called);
  const placed = chat.messages.map(messageOf);
  const ceiling = chat.max_completion_tokens ?? chat.max_tokens;
  const body = {
    ...chat.x_unmask,
    ...saidIn(chat, placed),
    ...canvasUnder(ceiling, chat.x_unmask?.["canvas"], card),
  };
  const request = parseAnswerValue(body, card, sent.picture);
  return request.ok
    ? ok({ request: request.value, placeOf: latePlacesIn(placed, chatPlaces) })
    : refuse(failureIn(request.refusal, placesIn(placed, chatPlaces)));
}

function asJson(
  chat: ChatBody,
  { call, ...wanted }: WantedJson,
  card: AskedCard,
  sent: JsonBody,
): Result<Asked, Failure> {
  const placed = chat.messages.map(messageOf);
  const said = saidIn(chat, placed);
  const asked = schemaQuestion(
    { wanted, placed, places: chatPlaces, said, extras: chat.x_unmask },
    { card, pictureOf: sent.picture },
  );
  if (!asked.ok) return asked;
  const { request, shape, placeOf } = asked.value;
  return ok({ request, placeOf, json: { shape, ...(call === undefined ? {} : { call }) } });
}

/** Writes what a chat says itself as our own request body; `parseAnswerValue` checks it. */
function saidIn(chat: ChatBody, placed: readonly PlacedMessage[]): AnswerRequestBody {
  const pictures = chat.messages.flatMap(picturesOf);
  return {
    ...(chat.model === undefined ? {} : { model: chat.model }),
    messages: placed.map(({ message }) => message),
    ...detailOf(pictures.map(({ image_url }) => image_url.detail)),
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
  const role = roleOf(message);
  const at = `/messages/${index}`;
  const texts: string[] = [];
  const images: string[] = [];
  for (const [part, shown] of partsOf(message).entries()) {
    if (shown.type === "image_url") images.push(`${at}/content/${part}/image_url/url`);
    else texts.push(shown.type === "text" ? shown.text : shown.refusal);
  }
  if (message.role === "assistant")
    texts.push(...(message.tool_calls ?? []).map((call) => call.function.arguments));
  const content = texts.join("\n");
  const pictures = picturesOf(message).map(({ image_url }) => pictureOf(image_url.url));
  return {
    message: pictures.length === 0 ? { role, content } : { role, content, images: pictures },
    at,
    content: `${at}/content`,
    images,
  };
}

/** What a function said of what was read is said by the caller. */
function roleOf({ role }: ChatMessageBody): MessageBody["role"] {
  if (role === "developer") return "system";
  return role === "tool" ? "user" : role;
}

const chatPlaces = { list: "messages", sent: ["model", "temperature", "seed", "stop"] } as const;

function refuseFields(problems: readonly FieldProblem[]): Result<never, Failure> {
  return refuse({ kind: "invalid_request", problems: problems.slice(0, MAX_FIELD_PROBLEMS) });
}
