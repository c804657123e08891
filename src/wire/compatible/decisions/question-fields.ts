import { FIELD_LIMITS } from "#domain/fields.ts";
import type {
  AskedFieldBody,
  FieldsBody,
  OptionsBody,
} from "../../api/answers/fields/fields-body.ts";
import { textOfContent } from "./data-text.ts";
import type { ChoiceBody, DecisionQuestionBody, ScoreBody } from "./decisions-body.ts";

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
  const asked = instructionsOf(question);
  switch (question.type) {
    case "predicate":
      return { type: "boolean", ...asked };
    case "choice":
      return { ...choiceField(question), ...asked };
    case "score":
      return { type: "score", ...asked, criteria: question.levels.map(levelOf) };
    default:
      return question satisfies never;
  }
}

/** True or false and nothing else is a yes or a no, which a model can say; among others a truth value is read as the word for it. */
function choiceField({ choices }: ChoiceBody): AskedFieldBody {
  const yes = choices.find(({ value }) => value === true);
  const no = choices.find(({ value }) => value === false);
  if (choices.length === 2 && yes !== undefined && no !== undefined) {
    const criteria = {
      ...(hasWords(yes.description) ? { true: yes.description } : {}),
      ...(hasWords(no.description) ? { false: no.description } : {}),
    };
    return { type: "boolean", criteria };
  }
  const options = choices.map(({ value, description }) => option(String(value), description));
  return { type: "choice", criteria: options };
}

/** Some clients have no labels for levels, only what each means: they send its number. The model is told the meaning. */
function levelOf({ label, description }: ScoreBody["levels"][number], index: number): AskedOption {
  const isNumber = label === String(index);
  return isNumber && hasWords(description) && description.length <= FIELD_LIMITS.optionLength
    ? { value: description }
    : option(label, description);
}

type AskedOption = Exclude<Extract<OptionsBody, readonly unknown[]>[number], string>;

function option(value: string, description: string | null | undefined): AskedOption {
  return hasWords(description) ? { value, description } : { value };
}

function hasWords(text: string | null | undefined): text is string {
  return typeof text === "string" && text.trim() !== "";
}

function instructionsOf({ instructions }: DecisionQuestionBody): {
  readonly instructions?: string;
} {
  if (instructions == null) return {};
  if (typeof instructions === "string") return { instructions };
  const parts = instructions.map((part) =>
    part.type === "input_text" ? part.text : textOfContent(part.data),
  );
  return { instructions: parts.join("\n") };
}
