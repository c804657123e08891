import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { AnswerRequestBody } from "../api/answers/answer-request.ts";
import type { ImageBody } from "../api/answers/image-body.ts";
import type { AskedCard } from "../api/answers/options.ts";
import { type AnswerRequest, parseAnswerValue } from "../api/answers/requests.ts";
import type { JsonBody } from "../body/json-body.ts";
import type { SseMessage } from "../codec/sse.ts";
import { problemsOf } from "../field-problems.ts";
import { MAX_URL_LENGTH } from "../function/fetch.ts";
import { MAX_NAME_LENGTH, MAX_TEXT_BYTES } from "../limits.ts";
import { chatError, finishReason } from "./chat-reply.ts";
import { failureIn } from "./sent-places.ts";
import type { TextUpdate } from "./stable-text.ts";

/** A request of Moondream's clients, read as a question. */
export interface MoondreamRequest {
  readonly request: AnswerRequest;
  readonly wantsStream: boolean;
}

/** Reads a body of `POST /v1/query`. `reasoning` and `variant` are passed over. Refuses with `invalid_request`. */
export function parseMoondreamQuery(
  body: JsonBody,
  card: AskedCard,
): Result<MoondreamRequest, Failure> {
  return parseMoondream(body, card, querySchema, ({ question, image_url, settings }) => ({
    question,
    ...(image_url === undefined ? {} : { image: moondreamPicture(image_url) }),
    ...optionsOf(settings, Number.POSITIVE_INFINITY, card),
  }));
}

/** Reads a body of `POST /v1/caption`: a picture and how long its caption may be. Refuses with `invalid_request`. */
export function parseMoondreamCaption(
  body: JsonBody,
  card: AskedCard,
): Result<MoondreamRequest, Failure> {
  return parseMoondream(body, card, captionSchema, ({ image_url, length, settings }) => {
    const { question, canvas } = captions[length ?? "normal"];
    return { question, image: moondreamPicture(image_url), ...optionsOf(settings, canvas, card) };
  });
}

/** What Moondream's lengths are here: words to ask with, and positions to fill, as far as the model's card recommends them. */
const captions = {
  short: { question: "Give a short description of the image.", canvas: 16 },
  normal: { question: "Describe the image.", canvas: 32 },
  long: { question: "Describe the image in detail.", canvas: 64 },
} as const;

/** Reads a body by its schema, and asks what it is translated to. */
export function parseMoondream<
  Body extends { readonly image_url?: string; readonly stream?: boolean },
>(
  sent: JsonBody,
  card: AskedCard,
  schema: z.ZodType<Body>,
  translate: (body: Body) => AnswerRequestBody,
): Result<MoondreamRequest, Failure> {
  const json = sent.parse();
  if (!json.ok) return json;
  const body = schema.safeParse(json.value);
  if (!body.success) return refuse({ kind: "invalid_request", problems: problemsOf(body.error) });
  const request = parseAnswerValue(translate(body.data), card, sent.picture);
  if (!request.ok) return refuse(failureIn(request.refusal, moondreamPlaces));
  return ok({ request: request.value, wantsStream: body.data.stream ?? false });
}

/** A picture as our own bodies have it. */
export function moondreamPicture(url: string): ImageBody {
  return /^https?:/i.test(url) ? { url } : { data: url };
}

/** `max_tokens` is a ceiling like `longest`: the canvas is the shortest of them and of what the model's card recommends. */
function optionsOf(
  { max_tokens: ceiling, temperature }: Settings = {},
  longest: number,
  { abilities }: AskedCard,
): AnswerRequestBody {
  const asked = Math.min(longest, ceiling ?? Number.POSITIVE_INFINITY);
  return {
    ...(asked === Number.POSITIVE_INFINITY
      ? {}
      : { canvas: Math.min(asked, abilities.canvas.recommended) }),
    ...(temperature === undefined ? {} : { temperature }),
  };
}

/** The places of our own body in Moondream's. */
export function moondreamPlaces(pointer: string): string {
  return names.get(pointer.split("/")[1] ?? "") ?? pointer;
}

const names: ReadonlyMap<string, string> = new Map([
  ["image", "/image_url"],
  ["fields", "/object"],
  ["canvas", "/settings/max_tokens"],
  ["temperature", "/settings/temperature"],
]);

/** Writes an answer's growing text as Moondream's stream, whose last chunk is `completed`. Throws where the answer fails: nothing else makes its clients notice. */
export async function* moondreamChunks(
  updates: AsyncIterable<TextUpdate>,
  requestId: string,
): AsyncGenerator<SseMessage, void, undefined> {
  for await (const update of updates) {
    switch (update.kind) {
      case "text":
        yield chunk({ chunk: update.text, completed: false });
        break;
      case "end":
        yield chunk({
          chunk: "",
          completed: true,
          request_id: requestId,
          finish_reason: finishReason(update.answer),
        });
        break;
      case "failed":
        yield chunk(chatError(update.problem));
        throw new Error(`the answer failed: ${update.problem.code}`);
      default:
        update satisfies never;
    }
  }
}

function chunk(body: object): SseMessage {
  return { event: "message", data: JSON.stringify(body) };
}

interface Settings {
  readonly max_tokens?: number;
  readonly temperature?: number;
}

interface QueryBody {
  readonly image_url?: string;
  readonly question: string;
  readonly stream?: boolean;
  readonly reasoning?: boolean;
  readonly variant?: string;
  readonly settings?: Settings;
}

interface CaptionBody {
  readonly image_url: string;
  readonly length?: "short" | "normal" | "long";
  readonly stream?: boolean;
  readonly variant?: string;
  readonly settings?: Settings;
}

/** Schema of it. */
export const moondreamPictureSchema: z.ZodType<string> = z
  .string()
  .min(1)
  .refine(
    (url) => !/^https?:/i.test(url) || url.length <= MAX_URL_LENGTH,
    `is too long: an address has ${MAX_URL_LENGTH} characters at most`,
  )
  .meta({ description: "A data URI, base64, or an https address." });

const common = {
  stream: z.boolean().exactOptional(),
  variant: z.string().max(MAX_NAME_LENGTH).exactOptional(),
  settings: z
    .object({ max_tokens: z.int().min(1).exactOptional(), temperature: z.number().exactOptional() })
    .exactOptional(),
};

/** Schemas of the bodies, for the API's description too. Members that newer clients add are passed over. */
export const querySchema: z.ZodType<QueryBody> = z
  .object({
    ...common,
    image_url: moondreamPictureSchema.exactOptional(),
    question: z.string().max(MAX_TEXT_BYTES),
    reasoning: z.boolean().exactOptional(),
  })
  .meta({ id: "MoondreamQuery" });

export const captionSchema: z.ZodType<CaptionBody> = z
  .object({
    ...common,
    image_url: moondreamPictureSchema,
    length: z.enum(["short", "normal", "long"]).exactOptional(),
  })
  .meta({ id: "MoondreamCaption" });
