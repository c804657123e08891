import type { FieldBody } from "#wire/api/answers/fields/field-body.ts";
import type { AskedFieldBody } from "#wire/api/answers/fields/fields-body.ts";
import { aboutOf, wordsOf } from "./about.ts";
import { askFields, outcomeOf, unusedOptions } from "./ask-fields.ts";
import type {
  DecisionAnswer,
  DecisionCall,
  DecisionModel,
  DecisionOutcome,
  DecisionQuestion,
  ProviderSettings,
} from "./sdk.ts";

/**
 * Decides with the fields of an answer. A question that the model abstains from is answered all the same, because one refusal would fail the
 * whole call: `providerMetadata.unmask.fields` says which. Only what a deadline cut off is refused, since there is nothing to tell of it.
 */
export function decisionModel(
  settings: ProviderSettings,
  model: string | undefined,
): DecisionModel {
  return {
    specificationVersion: "v4",
    provider: "unmask.decision",
    modelId: model ?? "default",
    supportedQuestionTypes: ["choice", "score", "boolean"],
    doDecide: async (call) => await decide(settings, model, call),
  };
}

async function decide(
  settings: ProviderSettings,
  model: string | undefined,
  call: DecisionCall,
): Promise<DecisionOutcome> {
  const questions = Object.entries(call.questions);
  const fields = questions.map(([id, question]) => [id, fieldOf(question)] as const);
  const told = await askFields({ settings, model, call, about: aboutOf(call), fields });
  return {
    ...outcomeOf(told, unusedOptions(call)),
    answers: Object.fromEntries(
      questions.map(([id, question], index) => [id, answerTo(question, told.fields[index]![1])]),
    ),
  };
}

/** Longer than this a level is no option that the service takes. */
const LONGEST_OPTION = 200;

function fieldOf(question: DecisionQuestion): AskedFieldBody {
  const asked = said("instructions", question.instructions);
  switch (question.type) {
    case "boolean": {
      const { criteria } = question;
      const sides = { ...said("true", criteria?.true), ...said("false", criteria?.false) };
      return { type: "boolean", ...asked, criteria: sides };
    }
    case "choice": {
      const criteria = Object.entries(question.criteria).map(([value, meaning]) => ({
        value,
        ...said("description", meaning),
      }));
      return { type: "choice", ...asked, criteria };
    }
    case "score":
      return { type: "score", ...asked, criteria: question.criteria.map(levelOf) };
    case "box":
      throw new Error("the AI SDK asks for boxes, which this model does not support");
    default:
      return question satisfies never;
  }
}

/** A level is called by what it means; by its number where that is nothing, or more than an option may be long. */
function levelOf(meaning: unknown, index: number): { value: string; description?: string } {
  const text = wordsOf(meaning);
  if (text === undefined) return { value: String(index) };
  return text.length <= LONGEST_OPTION
    ? { value: text }
    : { value: String(index), description: text };
}

function said<Name extends string>(
  name: Name,
  content: unknown,
): { readonly [key in Name]?: string } {
  const text = wordsOf(content);
  return text === undefined ? {} : ({ [name]: text } as { readonly [key in Name]: string });
}

function answerTo(question: DecisionQuestion, field: FieldBody): DecisionAnswer {
  if (!("guess" in field)) return { type: "refusal" };
  const { guess, probability, probabilities } = field;
  const numbers = probabilities.map((option) => option.probability);
  switch (question.type) {
    case "boolean":
      return { type: "boolean", probability };
    case "choice": {
      const labels = Object.keys(question.criteria);
      return {
        type: "choice",
        choice: String(guess),
        probabilities: Object.fromEntries(labels.map((label, index) => [label, numbers[index]!])),
      };
    }
    case "score":
      return {
        type: "score",
        score: numbers.reduce((sum, p, index) => sum + index * p, 0),
        probabilities: Object.fromEntries(numbers.map((p, index) => [String(index), p])),
      };
    default:
      return { type: "refusal" };
  }
}
