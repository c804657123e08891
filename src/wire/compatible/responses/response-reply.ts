import type { AnswerBody } from "../../api/answers/responses.ts";
import type { Problem } from "../../error.ts";
import { type ChatExtrasBody, chatExtras, createdSeconds } from "../chat-reply.ts";
import { problemIn } from "../sent-places.ts";
import { type JsonFormatBody, placesOf, textOf } from "./response-format.ts";
import { messageId, responseId } from "./response-id.ts";
import type { ResponseTerms } from "./response-terms.ts";

/** A response as OpenAI's clients read it, with a member of our own. Source: platform.openai.com/docs/api-reference/responses/object. */
export interface ResponseBody {
  /** The answer's own id behind another prefix: `GET /v1/answers/{id}` has it too. */
  readonly id: string;
  readonly object: "response";
  /** Unix seconds. */
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly status: ResponseStatus;
  readonly background: boolean;
  readonly error: ResponseErrorBody | null;
  readonly incomplete_details: { readonly reason: "max_output_tokens" } | null;
  /** What the model was told before everything else. Null where it obeys no such message, and once the question is forgotten. */
  readonly instructions: string | null;
  readonly max_output_tokens: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly model: string;
  readonly output: readonly OutputMessageBody[];
  readonly previous_response_id: string | null;
  readonly store: boolean;
  readonly temperature: number;
  readonly text: { readonly format: { readonly type: "text" } | JsonFormatBody };
  /** Null before the end, and of what failed. */
  readonly usage: ResponseUsageBody | null;
  readonly access_programs: null;
  readonly parallel_tool_calls: false;
  readonly reasoning: { readonly effort: null; readonly summary: null };
  readonly tool_choice: "none";
  readonly tools: readonly never[];
  readonly top_logprobs: 0;
  readonly top_p: 1;
  readonly truncation: "disabled";
  readonly x_unmask: ChatExtrasBody;
}

/** `incomplete`: the canvas was too short for the answer, or its time was. */
export type ResponseStatus =
  | "queued"
  | "in_progress"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled";

/** Why a response failed. Their clients know these codes and no others; ours is in `message`'s catalogue, and in `type` what all refusals have. */
export interface ResponseErrorBody {
  readonly code: "server_error" | "rate_limit_exceeded" | "invalid_prompt";
  readonly message: string;
  readonly type: string;
  readonly param: null;
}

export interface OutputMessageBody {
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  readonly status: "in_progress" | "completed" | "incomplete";
  readonly content: readonly OutputTextBody[];
}

export interface OutputTextBody {
  readonly type: "output_text";
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly never[];
}

export interface ResponseUsageBody {
  /** Positions before the canvas, image vectors included. */
  readonly input_tokens: number;
  /** Of them the vectors of pictures that were kept from an earlier question. They cost the same. */
  readonly input_tokens_details: { readonly cached_tokens: number; readonly cache_write_tokens: 0 };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: 0 };
  readonly total_tokens: number;
}

/** What is told of a response beside its answer. */
export interface ToldTerms {
  readonly terms: ResponseTerms;
  readonly instructions: string | null;
  readonly isStored: boolean;
}

/** Renders an answer as it stands. */
export function responseBody(answer: AnswerBody, told: ToldTerms): ResponseBody {
  const status = responseStatus(answer, told.terms);
  const isTold = answer.ended_at !== null && status !== "failed";
  return {
    ...responseHead(answer.id, answer.model, createdSeconds(answer), told),
    completed_at: status === "completed" ? secondsOf(answer.ended_at) : null,
    status,
    error: errorOf(answer.error && problemIn(answer.error, placesOf(told.terms.format))),
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    output: isTold ? [outputMessage(answer, told.terms)] : [],
    usage: isTold ? responseUsage(answer) : null,
    x_unmask: chatExtras(answer),
  };
}

/** What a response says from its beginning to its end. `created`: Unix seconds. */
export function responseHead(
  answerId: string,
  model: string,
  created: number,
  { terms, instructions, isStored }: ToldTerms,
): Omit<
  ResponseBody,
  "completed_at" | "status" | "error" | "incomplete_details" | "output" | "usage" | "x_unmask"
> {
  return {
    id: responseId(answerId),
    object: "response",
    created_at: created,
    background: terms.isBackground,
    instructions,
    max_output_tokens: terms.maxOutputTokens,
    metadata: terms.metadata,
    model,
    previous_response_id: terms.previousId,
    store: isStored,
    temperature: terms.temperature,
    text: { format: terms.format?.format ?? { type: "text" } },
    access_programs: null,
    parallel_tool_calls: false,
    reasoning: { effort: null, summary: null },
    tool_choice: "none",
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: "disabled",
  };
}

/** How far an answer is, in the terms of a response. */
export function responseStatus(
  answer: AnswerBody,
  { format }: Pick<ResponseTerms, "format">,
): ResponseStatus {
  switch (answer.status) {
    case "queued":
    case "failed":
    case "cancelled":
      return answer.status;
    case "running":
      return "in_progress";
    case "completed":
    case "partial":
      return textOf(answer, format).isWhole ? "completed" : "incomplete";
    default:
      return answer.status satisfies never;
  }
}

/** The message that an ended answer is told as. */
export function outputMessage(
  answer: AnswerBody,
  terms: Pick<ResponseTerms, "format">,
): OutputMessageBody {
  return {
    id: messageId(answer.id),
    type: "message",
    role: "assistant",
    status: responseStatus(answer, terms) === "completed" ? "completed" : "incomplete",
    content: [outputText(textOf(answer, terms.format).text)],
  };
}

export function outputText(text: string): OutputTextBody {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function responseUsage({ usage, tokens }: AnswerBody): ResponseUsageBody {
  return {
    input_tokens: usage.prompt_length,
    input_tokens_details: { cached_tokens: usage.cached_image_vectors, cache_write_tokens: 0 },
    output_tokens: tokens.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.prompt_length + tokens.length,
  };
}

/** Why an answer failed, as a response says it; null where it did not. */
export function errorOf(problem: Problem | null): ResponseErrorBody | null {
  if (problem === null) return null;
  const { status, detail, code } = problem;
  const message = `${detail} (${code})`;
  if (status === 429) return { code: "rate_limit_exceeded", message, type: code, param: null };
  return {
    code: status >= 500 ? "server_error" : "invalid_prompt",
    ...{ message, type: code, param: null },
  };
}

function secondsOf(time: string | null): number | null {
  return time === null ? null : Math.floor(Date.parse(time) / 1000);
}
