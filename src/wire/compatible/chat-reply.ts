import { z } from "zod";
import { abstentionReasons } from "#domain/trust.ts";
import type { AnswerBody } from "../api/answers/responses.ts";
import type { Problem } from "../error.ts";
import { everyProblemSentence } from "../error-detail.ts";
import { warningsSchema } from "../warnings.ts";

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
    readonly content: string;
    readonly refusal: null;
  };
  readonly logprobs: null;
  readonly finish_reason: FinishReason;
}

/** `length`: the canvas was too short for the answer, or its time was. */
export type FinishReason = "stop" | "length";

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
>;

/** A piece of a chat completion. `choices` is empty in the last one, which has the usage. */
export interface ChatChunkBody {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: { readonly role?: "assistant"; readonly content?: string };
    readonly logprobs: null;
    readonly finish_reason: FinishReason | null;
  }[];
  readonly usage?: ChatUsageBody | null;
  readonly x_unmask?: ChatExtrasBody;
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

/** Renders an ended answer. */
export function chatCompletion(answer: AnswerBody): ChatCompletionBody {
  return {
    id: answer.id,
    object: "chat.completion",
    created: createdSeconds(answer),
    model: answer.model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: answer.answer, refusal: null },
        logprobs: null,
        finish_reason: finishReason(answer),
      },
    ],
    usage: chatUsage(answer),
    system_fingerprint: answer.model_digest,
    x_unmask: chatExtras(answer),
  };
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
  const { digest, cached, charged_micros, tokens, warnings } = answer;
  const judged = { confidence, in_domain, domain_score, abstained, abstention };
  return { status, ...judged, digest, cached, charged_micros, tokens, warnings };
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
  }),
};

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
          content: z.string(),
          refusal: z.null(),
        }),
        logprobs: z.null(),
        finish_reason: z.enum(["stop", "length"]),
      }),
    ]),
    usage: chatCompletionFields.usage,
    system_fingerprint: z.string().nullable(),
    x_unmask: chatCompletionFields.x_unmask,
  })
  .meta({ id: "ChatCompletion" });
