import * as z from "zod";
import type { FieldBody } from "../fields/field-body.ts";
import { type AnswerBody, answerFields } from "../responses.ts";

/** Body of a reply to `POST /v1/scores`. Its `id` is that of an answer, which can be shown, replayed and deleted as any. */
export interface ScoresBody extends Pick<AnswerBody, (typeof ofAnswer)[number]> {
  readonly object: "scores";
  /** In the order of the request. */
  readonly scores: readonly ScoreBody[];
  /** The likeliest of them, the first of equals. */
  readonly best: string;
}

export interface ScoreBody {
  readonly answer: string;
  /** Natural logarithm of how likely the model is to give it, with its end, whatever the others are. */
  readonly log_probability: number;
  /** Of it among the answers that were asked about: they sum to 1. */
  readonly share: number;
}

/** Members of an answer that mean the same here. */
const ofAnswer = [
  "id",
  "model",
  "model_digest",
  "numerics",
  "digest",
  "in_domain",
  "domain_score",
  "cached",
  "usage",
  "charged_micros",
  "created_at",
  "ended_at",
  "warnings",
] as const;

/** Renders an answer whose one field is answers. Throws Error where it is another. */
export function scoresBody(answer: AnswerBody): ScoresBody {
  const read = Object.values(answer.fields ?? {})[0];
  if (!isScored(read)) throw new Error(`the answer ${answer.id} has no scores`);
  const { id, model, model_digest, numerics, digest, in_domain, domain_score } = answer;
  const { cached, usage, charged_micros, created_at, ended_at, warnings } = answer;
  return {
    ...{ id, object: "scores", model, model_digest, numerics, digest },
    scores: read.probabilities.map(({ value, probability }, index) => ({
      answer: String(value),
      log_probability: read.log_probabilities[index] ?? Number.NEGATIVE_INFINITY,
      share: probability,
    })),
    best: String(read.guess),
    ...{ in_domain, domain_score, cached, usage, charged_micros, created_at, ended_at, warnings },
  };
}

type Scored = Extract<FieldBody, { readonly probabilities: unknown }> & {
  readonly log_probabilities: readonly number[];
};

function isScored(read: FieldBody | undefined): read is Scored {
  return read !== undefined && "log_probabilities" in read && read.log_probabilities !== undefined;
}

/** Schema of the body. */
export const scoresSchema: z.ZodType<ScoresBody> = z
  .strictObject({
    ...(Object.fromEntries(ofAnswer.map((name) => [name, answerFields[name]])) as {
      readonly [Name in (typeof ofAnswer)[number]]: z.ZodType<AnswerBody[Name]>;
    }),
    object: z.literal("scores"),
    scores: z
      .array(
        z.strictObject({
          answer: z.string(),
          log_probability: z.number().max(0).meta({
            description:
              "Natural logarithm of how likely the model is to give it, with its end, whatever the others are. Comparable for one question, method and canvas.",
          }),
          share: z.number().min(0).max(1).meta({
            description: "Of it among the answers that were asked about; they sum to 1.",
          }),
        }),
      )
      .meta({ description: "In the order of the request." }),
    best: z.string().meta({ description: "The likeliest of them, the first of equals." }),
  })
  .meta({ id: "Scores" });
