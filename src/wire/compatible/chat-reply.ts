import * as z from "zod";
import { abstentionReasons } from "#domain/trust.ts";
import { fieldBodySchema } from "../api/answers/fields/field-body.ts";
import type { AnswerBody } from "../api/answers/responses.ts";
import type { Problem } from "../error.ts";
import { everyProblemSentence } from "../error-detail.ts";
import { warningsSchema } from "../warnings.ts";
import { type ChatJson, jsonOfAnswer } from "./structured/growing-json.ts";

/** A finished chat completion as OpenAI's clients read it, with a member of our own. Source: platform.openai.com/docs/api-reference/chat/object. */
export interface ChatCompletionBody {
  /** The answer's own id: `GET /v1/answers/{id}` has it too. */
  readonly id: string;
  readonly object: "chat.completion";
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [ChatChoiceBody];
  readonly usage: ChatUsageBody;
  /** Hex SHA-256 of the weights' manifest. */
  readonly system_fingerprint: string | null;
  readonly x_unmask: ChatExtrasBody;
}

export interface ChatChoiceBody {
  readonly index: 0;
  readonly message: {
    readonly role: "assistant";
    /** Null where a function is called. */
    readonly content: string | null;
    readonly refusal: null;
    /** The one call of the function that was forced. */
    readonly tool_calls?: readonly [ChatToolCallBody];
  };
  readonly logprobs: null;
  readonly finish_reason: FinishReason;
}

export interface ChatToolCallBody {
  readonly id: string;
  readonly type: "function";
  /** `arguments`: JSON text. */
  readonly function: { readonly name: string; readonly arguments: string };
}

/** `length`: the canvas was too short for the answer, or its time was. `tool_calls`: a function was to be called, whichever. */
export type FinishReason = "stop" | "length" | "tool_calls";

export interface ChatUsageBody {
  /** Positions before the canvas, image vectors included. */
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** What our own API says of an answer and a chat has no place for. */
export type ChatExtrasBody = Pick<
  AnswerBody,
  | "status"
  | "confidence"
  | "in_domain"
  | "domain_score"
  | "abstained"
  | "abstention"
  | "digest"
  | "cached"
  | "charged_micros"
  | "tokens"
  | "warnings"
  | "fields"
>;

/** A piece of a chat completion. `choices` is empty in the last one, which has the usage. */
export interface ChatChunkBody {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: ChatDeltaBody;
    readonly logprobs: null;
    readonly finish_reason: FinishReason | null;
  }[];
  readonly usage?: ChatUsageBody | null;
  readonly x_unmask?: ChatExtrasBody;
}

export interface ChatDeltaBody {
  readonly role?: "assistant";
  readonly content?: string | null;
  /** Name and id come first, then the arguments piece by piece. */
  readonly tool_calls?: readonly [
    {
      readonly index: 0;
      readonly id?: string;
      readonly type?: "function";
      readonly function: { readonly name?: string; readonly arguments: string };
    },
  ];
}

/** A refusal as OpenAI's clients read it; `code` is our own, but for a model that is not there, which they know by its name. */
export interface ChatErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** Name of the field that is at fault. */
    readonly param: string | null;
    readonly code: string;
  };
}

/** Renders an ended answer; as the JSON that a schema describes where that was wanted. */
export function chatCompletion(answer: AnswerBody, json?: ChatJson): ChatCompletionBody {
  return {
    id: answer.id,
    object: "chat.completion",
    created: createdSeconds(answer),
    model: answer.model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", ...saidBy(answer, json), refusal: null },
        logprobs: null,
        finish_reason: json === undefined ? finishReason(answer) : jsonFinish(answer, json),
      },
    ],
    usage: chatUsage(answer),
    system_fingerprint: answer.model_digest,
    x_unmask: chatExtras(answer),
  };
}

function saidBy(
  answer: AnswerBody,
  json: ChatJson | undefined,
): Pick<ChatChoiceBody["message"], "content" | "tool_calls"> {
  if (json === undefined) return { content: answer.answer };
  const { text } = jsonOfAnswer(json.shape, answer);
  if (json.call === undefined) return { content: text };
  const { name } = json.call;
  const call = {
    id: callId(answer.id),
    type: "function",
    function: { name, arguments: text },
  } as const;
  return { content: null, tool_calls: [call] };
}

/** Id of the call that an answer makes. */
export function callId(answerId: string): string {
  return `call_${answerId}`;
}

/** Why an answer of JSON ended: as OpenAI's do, a named function's call ends with `stop`. A deadline ends the text before what was not read. */
export function jsonFinish(answer: AnswerBody, { shape, call }: ChatJson): FinishReason {
  if (!jsonOfAnswer(shape, answer).isWhole) return "length";
  return call === undefined || call.isNamed ? "stop" : "tool_calls";
}

/** Why an answer ended. */
export function finishReason({ status, tokens, usage }: AnswerBody): FinishReason {
  return status === "completed" && tokens.length < usage.canvas ? "stop" : "length";
}

/** Counts an answer in the terms of a chat. */
export function chatUsage({ usage, tokens }: AnswerBody): ChatUsageBody {
  return {
    prompt_tokens: usage.prompt_length,
    completion_tokens: tokens.length,
    total_tokens: usage.prompt_length + tokens.length,
  };
}

/** Picks what a chat has no place for. */
export function chatExtras(answer: AnswerBody): ChatExtrasBody {
  const { status, confidence, in_domain, domain_score, abstained, abstention } = answer;
  const { digest, cached, charged_micros, tokens, warnings, fields } = answer;
  const judged = { confidence, in_domain, domain_score, abstained, abstention };
  return {
    status,
    ...judged,
    digest,
    cached,
    charged_micros,
    tokens,
    warnings,
    ...(fields === undefined ? {} : { fields }),
  };
}

/** Unix seconds at which an answer was asked for. */
export function createdSeconds({ created_at }: Pick<AnswerBody, "created_at">): number {
  return Math.floor(Date.parse(created_at) / 1000);
}

/** Renders a refusal. */
export function chatError(problem: Problem): ChatErrorBody {
  const [first] = problem.errors;
  const isModels = isUnknownModel(problem);
  const param = first === undefined ? null : first.pointer.slice(1).replaceAll("/", ".");
  return {
    error: {
      message: problem.errors.length > 1 ? everyProblemSentence(problem.errors) : problem.detail,
      type: errorType(chatErrorStatus(problem)),
      param: isModels ? "model" : param,
      code: isModels ? "model_not_found" : problem.code,
    },
  };
}

/** Status of a refusal as OpenAI's clients know it: a model that is not there is 404. */
export function chatErrorStatus(problem: Problem): number {
  return isUnknownModel(problem) ? 404 : problem.status;
}

function isUnknownModel({ code, instance }: Problem): boolean {
  return code === "unknown_model" || (code === "not_found" && instance.startsWith("/v1/models/"));
}

/** Source: the types that OpenAI's API reports, by status. */
function errorType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 402) return "insufficient_quota";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

const count = z.int().nonnegative();

/** Schema of a refusal, for the API's description. */
export const chatErrorSchema: z.ZodType<ChatErrorBody> = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string(),
    }),
  })
  .meta({ id: "ChatError" });

/** Schemas of what a completion and the chunks of one have in common. */
export const chatCompletionFields: {
  readonly usage: z.ZodType<ChatUsageBody>;
  readonly x_unmask: z.ZodType<ChatExtrasBody>;
} = {
  usage: z.object({ prompt_tokens: count, completion_tokens: count, total_tokens: count }),
  x_unmask: z.object({
    status: z.enum(["queued", "running", "completed", "partial", "failed", "cancelled"]),
    confidence: z.number(),
    in_domain: z.boolean().nullable(),
    domain_score: z.number().nullable(),
    abstained: z.boolean(),
    abstention: z.enum(abstentionReasons).nullable(),
    digest: z.string().nullable(),
    cached: z.boolean(),
    charged_micros: count,
    tokens: z.array(z.object({ text: z.string(), confidence: z.number(), step: count })),
    warnings: warningsSchema,
    fields: z.record(z.string(), fieldBodySchema).exactOptional().meta({
      description:
        "Where a schema was sent: what each of its values was read as, by its path with dots.",
    }),
  }),
};

const toolCall = z.object({
  id: z.string(),
  type: z.literal("function"),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

/** Schema of the reply, for the API's description and for tests that hold replies to it. */
export const chatCompletionSchema: z.ZodType<ChatCompletionBody> = z
  .object({
    id: z.string(),
    object: z.literal("chat.completion"),
    created: count,
    model: z.string(),
    choices: z.tuple([
      z.object({
        index: z.literal(0),
        message: z.object({
          role: z.literal("assistant"),
          content: z.string().nullable(),
          refusal: z.null(),
          tool_calls: z.tuple([toolCall]).exactOptional(),
        }),
        logprobs: z.null(),
        finish_reason: z.enum(["stop", "length", "tool_calls"]),
      }),
    ]),
    usage: chatCompletionFields.usage,
    system_fingerprint: z.string().nullable(),
    x_unmask: chatCompletionFields.x_unmask,
  })
  .meta({ id: "ChatCompletion" });
