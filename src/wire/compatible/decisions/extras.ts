import * as z from "zod";
import { abstentionReasons } from "#domain/trust.ts";
import type { ClosedFieldBody } from "../../api/answers/fields/field-body.ts";
import type { AnswerBody } from "../../api/answers/responses.ts";
import { warningsSchema } from "../../warnings.ts";
import type { ToldQuestion } from "./told-fields.ts";

/** What was counted, as OpenAI's decisions tell it. */
export interface DecisionUsageBody {
  /** Positions of the prompt, those of the pictures included. */
  readonly input_tokens: number;
  readonly input_tokens_details: {
    readonly cache_write_tokens: 0;
    /** Of the pictures' positions, those that were kept from an earlier question; they cost the same. */
    readonly cached_tokens: number;
  };
  /** What is read and not written has none. */
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: 0 };
  readonly total_tokens: number;
}

/** What our own API says of an answer and this one has no place for. */
export interface DecisionExtrasBody
  extends Pick<
    AnswerBody,
    | "id"
    | "status"
    | "in_domain"
    | "domain_score"
    | "abstained"
    | "abstention"
    | "digest"
    | "cached"
    | "charged_micros"
    | "warnings"
  > {
  /** Of each question what was read, be it told as a refusal; null where a deadline came first. */
  readonly read: readonly (DecisionReadBody | null)[];
}

/** What stands behind an answer. */
export type DecisionReadBody = Pick<
  ClosedFieldBody,
  "guess" | "probability" | "confidence" | "label_mass" | "abstained"
>;

/** Counts an answer in the terms of these APIs. */
export function usageOf({ usage, tokens }: AnswerBody): DecisionUsageBody {
  return {
    input_tokens: usage.prompt_length,
    input_tokens_details: { cache_write_tokens: 0, cached_tokens: usage.cached_image_vectors },
    output_tokens: tokens.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.prompt_length + tokens.length,
  };
}

/** Picks what these APIs have no place for. */
export function extrasOf(answer: AnswerBody): Omit<DecisionExtrasBody, "read"> {
  const { id, status, in_domain, domain_score, abstained, abstention } = answer;
  const { digest, cached, charged_micros, warnings } = answer;
  const judged = { in_domain, domain_score, abstained, abstention };
  return { id, status, ...judged, digest, cached, charged_micros, warnings };
}

/** Picks what stands behind an answer. */
export function readOf(told: ToldQuestion): DecisionReadBody | null {
  if (told.kind === "unfinished") return null;
  const { guess, probability, confidence, label_mass, abstained } = told.field;
  return { guess, probability, confidence, label_mass, abstained };
}

/** Schemas of what replies of both APIs are made of. */
export const count: z.ZodType<number> = z.int().nonnegative();
export const probability: z.ZodType<number> = z.number().min(0).max(1);

export const usageSchema: z.ZodType<DecisionUsageBody> = z.strictObject({
  input_tokens: count,
  input_tokens_details: z.strictObject({
    cache_write_tokens: z.literal(0),
    cached_tokens: count.meta({
      description:
        "Positions of pictures that were kept from an earlier question. They cost the same.",
    }),
  }),
  output_tokens: count,
  output_tokens_details: z.strictObject({ reasoning_tokens: z.literal(0) }),
  total_tokens: count,
});

export const extrasSchema: z.ZodType<DecisionExtrasBody> = z.strictObject({
  id: z.string(),
  status: z.enum(["queued", "running", "completed", "partial", "failed", "cancelled"]),
  in_domain: z.boolean().nullable(),
  domain_score: z.number().nullable(),
  abstained: z.boolean(),
  abstention: z.enum(abstentionReasons).nullable(),
  digest: z.string().nullable(),
  cached: z.boolean(),
  charged_micros: count,
  warnings: warningsSchema,
  read: z
    .array(
      z
        .strictObject({
          guess: z.union([z.string(), z.number(), z.boolean()]),
          probability,
          confidence: probability,
          label_mass: probability.nullable(),
          abstained: z.boolean(),
        })
        .nullable(),
    )
    .meta({
      description:
        "Of each question, in their order: the likeliest option and how sure the model is of it, also where it abstained. null: a deadline came first.",
    }),
});
