import type {
  AskedFieldBody,
  FieldsBody,
  OptionsBody,
} from "../../api/answers/fields/fields-body.ts";
import { textOfContent } from "./data-text.ts";
import type { ChoiceBody, DecisionQuestionBody } from "./decisions-body.ts";

/** Says under which name a question is read: by its place, so that equal questions are one in the cache, whatever their callers call them. */
export function fieldName(index: number): string {
  return `q${index + 1}`;
}

/** The place of the question that is read under a name. */
export function questionIndex(name: string): number {
  return Number(name.slice(1)) - 1;
}

/** Names fields by the places of their questions. */
export function byPlace(fields: readonly AskedFieldBody[]): FieldsBody {
  return Object.fromEntries(fields.map((field, index) => [fieldName(index), field]));
}

/** Reads a question as the field that answers it. */
export function fieldOfDecision(question: DecisionQuestionBody): AskedFieldBody {
  const instructions = instructionsOf(question);
  switch (question.type) {
    case "predicate":
      return { type: "boolean", instructions };
    case "choice":
      return choiceField(question, instructions);
    case "score":
      return {
        type: "score",
        instructions,
        criteria: question.levels.map(({ label, description }) => option(label, description)),
      };
    default:
      return question satisfies never;
  }
}

/** True or false and nothing else is a yes or a no, which a model can say; among others a truth value is read as the word for it. */
function choiceField({ choices }: ChoiceBody, instructions: string): AskedFieldBody {
  const yes = choices.find(({ value }) => value === true);
  const no = choices.find(({ value }) => value === false);
  if (choices.length === 2 && yes !== undefined && no !== undefined) {
    const criteria = {
      ...(hasWords(yes.description) ? { true: yes.description } : {}),
      ...(hasWords(no.description) ? { false: no.description } : {}),
    };
    return { type: "boolean", instructions, criteria };
  }
  const options = choices.map(({ value, description }) => option(String(value), description));
  return { type: "choice", instructions, criteria: options };
}

function option(
  value: string,
  description: string | null | undefined,
): Extract<OptionsBody, readonly unknown[]>[number] {
  return hasWords(description) ? { value, description } : { value };
}

function hasWords(text: string | null | undefined): text is string {
  return typeof text === "string" && text.trim() !== "";
}

function instructionsOf({ instructions }: DecisionQuestionBody): string {
  if (typeof instructions === "string") return instructions;
  return instructions
    .map((part) => (part.type === "input_text" ? part.text : textOfContent(part.data)))
    .join("\n");
}
