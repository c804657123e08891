import { env } from "cloudflare:workers";
import type { AnswerEvent } from "#domain/event.ts";
import { INLINE_PICTURE_BYTES } from "#edge/questions/picture-store.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { FETCH_PATH } from "#wire/function/fetch.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { pngBytes, story } from "../../support/edge-builders.ts";
import { modelReply } from "../cache/model-reply.ts";
import { digest, eventReply, functionReplies, type SentRequest } from "../function-double.ts";
import { askedAs } from "./calls.ts";

/** Texts that stand nowhere else: each is planted in one place. */
export interface Planted {
  readonly question: string;
  readonly answer: string;
  readonly small: string;
  readonly large: string;
  readonly name: string;
}

/** Draws them. */
export function draw(): Planted {
  const one = (what: string): string => `${what}-${crypto.randomUUID()}`;
  return {
    question: one("question"),
    answer: one("answer"),
    small: one("small"),
    large: one("large"),
    name: one("name"),
  };
}

/** A picture with a text in it, kept beside its question, or, as large as that, in the bucket. */
export function picture(text: string, bytes = 0): Uint8Array<ArrayBuffer> {
  const told = new TextEncoder().encode(text);
  const file = new Uint8Array(Math.max(bytes, pngBytes.length + told.length));
  file.set(pngBytes);
  file.set(told, pngBytes.length);
  return file;
}

/** The size from which on a picture is kept in the bucket. */
export const LARGE: number = INLINE_PICTURE_BYTES + 1;

/** The story of an answer that says this. */
export function tells(answer: string): readonly AnswerEvent[] {
  return story.map((event): AnswerEvent => {
    if (event.kind === "answer.completed")
      return { ...event, answer, decoder: DECODER_VERSION, tokens: said(answer, event.tokens) };
    return event.kind === "answer.frame"
      ? { ...event, revealed: said(answer, event.revealed) }
      : event;
  });
}

function said<Token extends { readonly text: string }>(
  answer: string,
  tokens: readonly Token[],
): readonly Token[] {
  return tokens.map((token) => ({ ...token, text: ` ${answer}` }));
}

const card = await modelReply(digest).json<ModelCard>();

/** A function that answers so and caches what it may, beside a fetch hop that delivers webhooks (`deliver` says what it replies). */
export function functionTelling(
  answer: string,
  deliver: (sent: SentRequest) => Response | Promise<Response> = delivered,
): ReturnType<typeof functionReplies> {
  return functionReplies(
    (sent) =>
      new URL(sent.url).pathname === FETCH_PATH ? deliver(sent) : eventReply(tells(answer)),
    card,
  );
}

/** What the fetch hop says of a receiver that took what was sent. */
export function delivered(): Response {
  return Response.json({
    ...{ outcome: "response", status: 204, retry_after: null, location: null, duration_ms: 1 },
    response: "thanks",
  });
}

/** A question with a text planted in it and in two pictures. */
export function asking({ question, small, large }: Planted): object {
  return {
    question: `What is ${question}?`,
    images: [{ data: encodeBase64(picture(small)) }, { data: encodeBase64(picture(large, LARGE)) }],
    ...{ canvas: 4, steps: 2, mode: "exact" },
  };
}

/** Asks it with a key, and returns the answer. */
export async function answered(
  planted: Planted,
  { key = env.TEST_API_KEY, headers = {}, ...fields }: AskedFields = {},
): Promise<AnswerBody> {
  const response = await askedAs(
    key,
    "POST",
    "/v1/answers",
    { ...asking(planted), ...fields },
    headers,
  );
  return answerSchema.parse(await response.json());
}

type AskedFields = {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
};
