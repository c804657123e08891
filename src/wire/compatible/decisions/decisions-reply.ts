import * as z from "zod";
import type { ClosedFieldBody } from "../../api/answers/fields/field-body.ts";
import type { AnswerBody } from "../../api/answers/responses.ts";
import type { ChoiceBody, DecisionQuestionBody } from "./decisions-body.ts";
import {
  count,
  type DecisionExtrasBody,
  type DecisionUsageBody,
  extrasOf,
  extrasSchema,
  probability,
  readOf,
  usageOf,
  usageSchema,
} from "./extras.ts";
import { confidenceOf, meanLevel, type ToldQuestion, toldQuestions } from "./told-fields.ts";

/** What was decided, as OpenAI's clients read it, with a member of our own. Source: the types of openai 7.57.0, `resources/decisions`. */
export interface DecisionsBodyReply {
  /** In the order of the questions. */
  readonly answers: readonly DecisionAnswerBody[];
  readonly model: string;
  readonly usage: DecisionUsageBody;
  readonly x_unmask: DecisionExtrasBody;
}

export type DecisionAnswerBody =
  | {
      readonly type: "predicate";
      readonly name: string | null;
      /** Of true. */
      readonly probability: number;
    }
  | {
      readonly type: "choice";
      readonly name: string | null;
      readonly choice: string | boolean;
      readonly confidence: number;
      readonly probabilities: readonly {
        readonly value: string | boolean;
        readonly probability: number;
      }[];
    }
  | {
      readonly type: "score";
      readonly name: string | null;
      /** Mean of the levels' indices by probability. */
      readonly score: number;
      readonly confidence: number;
      readonly probabilities: readonly {
        readonly value: number;
        readonly label: string;
        readonly probability: number;
      }[];
    }
  /** Not answered: the model is not sure enough, does not know such pictures, or had no time. */
  | { readonly type: "refusal"; readonly name: string | null };

/** Renders an ended answer as what was decided. */
export function decisionsReply(
  answer: AnswerBody,
  questions: readonly DecisionQuestionBody[],
): DecisionsBodyReply {
  const told = toldQuestions(answer, questions.length);
  return {
    answers: questions.map((question, index) => answerTo(question, told[index]!)),
    model: answer.model,
    usage: usageOf(answer),
    x_unmask: { ...extrasOf(answer), read: told.map(readOf) },
  };
}

function answerTo(question: DecisionQuestionBody, told: ToldQuestion): DecisionAnswerBody {
  const name = question.name ?? null;
  if (told.kind !== "read") return { type: "refusal", name };
  const { probability, confidence, probabilities } = told.field;
  switch (question.type) {
    case "predicate":
      return { type: "predicate", name, probability };
    case "choice": {
      const own = choiceProbabilities(question, told.field);
      const { value: choice } = own.reduce((best, one) =>
        one.probability > best.probability ? one : best,
      );
      // Not the field's own: of a yes or no that is another number than of a choice.
      return { type: "choice", name, choice, confidence: confidenceOf(own), probabilities: own };
    }
    case "score": {
      const levels = probabilities.map((level, value) => ({
        value,
        label: question.levels[value]!.label,
        probability: level.probability,
      }));
      return { type: "score", name, score: meanLevel(levels), confidence, probabilities: levels };
    }
    default:
      return question satisfies never;
  }
}

/** Each choice's probability, in the order of the choices: true or false alone were read as a yes or a no. */
function choiceProbabilities(
  { choices }: ChoiceBody,
  { type, probabilities }: ClosedFieldBody,
): { readonly value: string | boolean; readonly probability: number }[] {
  return choices.map(({ value }, index) => ({
    value,
    probability:
      type === "boolean"
        ? probabilities.find((option) => option.value === value)!.probability
        : probabilities[index]!.probability,
  }));
}

const name = z.string().nullable();

/** Schema of the reply, for the API's description and for tests that hold replies to it. */
export const decisionsReplySchema: z.ZodType<DecisionsBodyReply> = z
  .strictObject({
    answers: z
      .array(
        z.discriminatedUnion("type", [
          z.strictObject({ type: z.literal("predicate"), name, probability }),
          z.strictObject({
            type: z.literal("choice"),
            name,
            choice: z.union([z.string(), z.boolean()]),
            confidence: probability,
            probabilities: z.array(
              z.strictObject({ value: z.union([z.string(), z.boolean()]), probability }),
            ),
          }),
          z.strictObject({
            type: z.literal("score"),
            name,
            score: z.number().min(0),
            confidence: probability,
            probabilities: z.array(
              z.strictObject({ value: count, label: z.string(), probability }),
            ),
          }),
          z.strictObject({ type: z.literal("refusal"), name }),
        ]),
      )
      .meta({ description: "In the order of the questions." }),
    model: z.string(),
    usage: usageSchema,
    x_unmask: extrasSchema,
  })
  .meta({ id: "Decisions" });
