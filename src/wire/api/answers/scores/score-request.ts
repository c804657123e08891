import * as z from "zod";
import { checkNamedFields, orderFailure } from "#domain/check-fields.ts";
import type { Failure } from "#domain/failure.ts";
import { type AnswersField, FIELD_LIMITS } from "#domain/fields.ts";
import type { ReadOrder } from "#domain/question.ts";
import { optionsToRead } from "#domain/reading/options-to-read.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import type { JsonBody } from "../../../body/json-body.ts";
import { problemsOf } from "../../../field-problems.ts";
import { type AnswerRequestBody, answerRequestFields } from "../answer-request.ts";
import { refuseShape } from "../conversation.ts";
import type { AskedCard } from "../options.ts";
import { type AnswerRequest, parseAnswerValue } from "../requests.ts";

/** Body of `POST /v1/scores`: a question as in an answer request, and the answers that are to be told how likely they are. */
export interface ScoreRequestBody extends Pick<AnswerRequestBody, (typeof ofQuestion)[number]> {
  readonly answers: readonly string[];
  /** `joint` when absent. */
  readonly method?: AnswersField["method"];
}

/** Members of an answer request that mean the same here. */
const ofQuestion = [
  "model",
  "question",
  "messages",
  "image",
  "images",
  "detail",
  "canvas",
  "max_price_micros",
  "card",
  "cache",
  "store",
  "retention",
] as const;

/** The name that its field has in the order; it is told under none. */
const NAME = "answers";

/** Schema of the body. */
export const scoreRequestSchema: z.ZodType<ScoreRequestBody> = z
  .strictObject({
    ...Object.fromEntries(ofQuestion.map((name) => [name, answerRequestFields[name]])),
    answers: z
      .array(z.string().max(FIELD_LIMITS.answerLength))
      .min(1)
      .max(FIELD_LIMITS.answers)
      .meta({
        description: "The answers, each as the model would write it, to the letter.",
        example: ["A dog.", "A cat.", "A guinea pig."],
      }),
    method: z.enum(["joint", "chain"]).exactOptional().meta({
      description:
        "joint (default): one pass reads all answers, each of their tokens for itself. chain: each answer is written token by token, the surest place first, and each token read beside those before it; a pass a token.",
    }),
  })
  .meta({ id: "ScoreRequest" }) as z.ZodType<ScoreRequestBody>;

/** Whether a body asks for scores, where answer requests are taken too. */
export function asksForScores(body: unknown): boolean {
  return typeof body === "object" && body !== null && Object.hasOwn(body, NAME);
}

/** Reads a JSON body. Refuses as `parseAnswerJson` does, and with what is wrong with the answers, and where. */
export function parseScoreJson(body: JsonBody, card: AskedCard): Result<AnswerRequest, Failure> {
  const value = body.parse();
  if (!value.ok) return value;
  const parsed = scoreRequestSchema.safeParse(value.value);
  if (!parsed.success) return refuseShape(problemsOf(parsed.error));
  const { answers, method = "joint", ...question } = parsed.data;
  const request = parseAnswerValue(question, card, body.picture);
  if (!request.ok) return request;
  const { options } = request.value;
  const field = { type: "answers", answers, method, canvas: options.canvas } as const;
  const read: ReadOrder = {
    ...{ fields: [{ name: NAME, field }], abstainBelow: 0, onTruncate: "keep" },
  };
  const checked = checkNamedFields(read.fields);
  if (!checked.ok) return refuse(orderFailure(read, checked.refusal));
  const planned = optionsToRead(read, options, card);
  return planned.ok ? ok({ ...request.value, options: planned.value, read }) : planned;
}
