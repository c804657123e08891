import * as z from "zod";
import type { AnswerBody } from "../../../api/answers/responses.ts";
import { entriesOf } from "../../../named-values.ts";
import { type Content, contentSchema } from "../data-text.ts";
import {
  count,
  type DecisionExtrasBody,
  extrasOf,
  extrasSchema,
  probability,
  readOf,
  usageOf,
} from "../extras.ts";
import { meanLevel, type ToldQuestion, toldQuestions } from "../told-fields.ts";
import type { SystemOneQuestion } from "./systemone-body.ts";

/** What was decided, as Jev's clients read it, with a member of our own. Source: the types of @typesafe-ai/sdk 0.6.0. */
export interface SystemOneReply {
  readonly model: string;
  /** By the names of the questions. */
  readonly answers: Readonly<Record<string, SystemOneAnswer>>;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number };
  readonly x_unmask: DecisionExtrasBody;
}

export type SystemOneAnswer =
  /** Of true. */
  | { readonly type: "noul"; readonly noul: number }
  | {
      readonly type: "choice";
      readonly choice: string;
      readonly probabilities: Readonly<Record<string, number>>;
      readonly confidence: number;
    }
  | {
      readonly type: "score";
      /** Mean of the levels' indices by probability. */
      readonly score: number;
      /** By index, what each level was said to mean. */
      readonly legend: Readonly<Record<string, Content | null>>;
      /** By index. */
      readonly probabilities: Readonly<Record<string, number>>;
      readonly confidence: number;
    };

/**
 * Renders an ended answer as what was decided. These clients know no answer that is none, so each question has its likeliest option, also
 * where the model abstained: that is said in `x_unmask`. Throws where a question was cut off, of which there is nothing to tell.
 */
export function systemOneReply(
  answer: AnswerBody,
  questions: readonly (readonly [string, SystemOneQuestion])[],
): SystemOneReply {
  const told = toldQuestions(answer, questions.length);
  const { input_tokens, output_tokens } = usageOf(answer);
  return {
    model: answer.model,
    answers: Object.fromEntries(
      questions.map(([name, question], index) => [name, answerTo(question, told[index]!)]),
    ),
    usage: { input_tokens, output_tokens },
    x_unmask: { ...extrasOf(answer), read: told.map(readOf) },
  };
}

function answerTo(question: SystemOneQuestion, told: ToldQuestion): SystemOneAnswer {
  if (told.kind === "unfinished")
    throw new Error("a question was cut off where no deadline is taken");
  const { guess, probability: ofTrue, probabilities, confidence } = told.field;
  switch (question.type) {
    case "noul":
      return { type: "noul", noul: ofTrue };
    case "choice": {
      const labels = entriesOf(question.criteria).map(([label]) => label);
      return {
        type: "choice",
        choice: String(guess),
        probabilities: Object.fromEntries(
          labels.map((label, index) => [label, probabilities[index]!.probability]),
        ),
        confidence,
      };
    }
    case "score":
      return {
        type: "score",
        score: meanLevel(probabilities),
        legend: Object.fromEntries(question.criteria.entries()),
        probabilities: Object.fromEntries(
          probabilities.map((level, index) => [index, level.probability]),
        ),
        confidence,
      };
    default:
      return question satisfies never;
  }
}

const byName = z.record(z.string(), probability);

/** Schema of the reply, for the API's description and for tests that hold replies to it. */
export const systemOneReplySchema: z.ZodType<SystemOneReply> = z
  .strictObject({
    model: z.string(),
    answers: z
      .record(
        z.string(),
        z.discriminatedUnion("type", [
          z.strictObject({
            type: z.literal("noul"),
            noul: probability.meta({ description: "Probability of yes." }),
          }),
          z.strictObject({
            type: z.literal("choice"),
            choice: z.string(),
            probabilities: byName,
            confidence: probability,
          }),
          z.strictObject({
            type: z.literal("score"),
            score: z.number().min(0),
            legend: z.record(z.string(), contentSchema.nullable()),
            probabilities: byName,
            confidence: probability,
          }),
        ]),
      )
      .meta({ description: "By the names of the questions." }),
    usage: z.strictObject({ input_tokens: count, output_tokens: count }),
    x_unmask: extrasSchema,
  })
  .meta({ id: "SystemOne" });
