import { checkNamedFields, fieldsFailure, textsOf } from "#domain/check-fields.ts";
import type { Failure, FieldProblem, FieldsFailure } from "#domain/failure.ts";
import {
  FIELD_LIMITS,
  type Field,
  type NamedField,
  type Option,
  type SingleField,
} from "#domain/fields.ts";
import type { Message, ReadOrder } from "#domain/question.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { utf8Length } from "#domain/utf8-length.ts";
import { entriesOf } from "../../../named-values.ts";
import type { AnswerFields } from "../answer-request.ts";
import type { AskedCard } from "../options.ts";
import type { AskedFieldBody, AskedSingleBody, FieldsBody, OptionsBody } from "./fields-body.ts";

/** Room of a text whose caller names none: a name, a title, a short sentence. */
const USUAL_TEXT_TOKENS = 12;

/** Members of a request that say how fields are read. */
const besideFields = ["abstain_below", "passes", "on_truncate"] as const;

/** Members that shape an answer in words, and what is said of each beside fields. */
const ofWords = {
  suffix: "the answer is JSON, and nothing stands behind it",
  stop: "each field ends by itself",
  canvas: "it follows from the fields; a text has its own max_tokens",
  steps: "it follows from the fields; passes is the most that open ones take",
  block_length: "each field has a place of its own",
  alternatives: "each field tells the probabilities of its options",
} as const;

/** What the members of a request about its fields have to do with each other; empty where it names none and says nothing of them. */
export function fieldProblems(asked: AnswerFields): FieldProblem[] {
  if (asked.fields === undefined)
    return besideFields
      .filter((name) => asked[name] !== undefined)
      .map((name) => ({ pointer: `/${name}`, message: "is taken beside fields alone" }));
  const problems = Object.entries(ofWords)
    .filter(([name]) => Object.hasOwn(asked, name))
    .map(([name, why]) => ({ pointer: `/${name}`, message: `is not taken beside fields: ${why}` }));
  const message =
    "is not taken beside fields: they are read without drawing lots; leave it out, or send 0";
  return (asked.temperature ?? 0) > 0
    ? [...problems, { pointer: "/temperature", message }]
    : problems;
}

/** Reads what fields are asked for; undefined where words are wanted. Refuses with what is wrong with them, and where. */
export function readFieldsOf(
  asked: AnswerFields,
  messages: readonly Message[],
  card: AskedCard,
): Result<ReadOrder | undefined, Failure> {
  if (asked.fields === undefined) return ok(undefined);
  if (card.read === undefined) {
    const message = "are not read by this model: see read in GET /v1/models";
    return refuse({ kind: "fields_invalid", problems: [{ pointer: "/fields", message }] });
  }
  const fields = namedFieldsOf(asked.fields);
  if (!fields.ok) return fields;
  const texts = [...fields.value.flatMap(textsOf), ...messages.map(({ text }) => text)];
  const bytes = texts.reduce((sum, text) => sum + utf8Length(text), 0);
  if (bytes > FIELD_LIMITS.textBytes) {
    const problem = `have ${bytes} bytes of text together with the question; ${FIELD_LIMITS.textBytes} are the most`;
    return refuse(fieldsFailure({ kind: "too_large", pointer: "", problem }));
  }
  return ok({
    fields: fields.value,
    abstainBelow: asked.abstain_below ?? 0,
    ...(asked.passes === undefined ? {} : { openPasses: asked.passes }),
    onTruncate: asked.on_truncate ?? "keep",
  });
}

/** Turns fields as they are written in JSON into fields in the same order, and checks them. */
export function namedFieldsOf(body: FieldsBody): Result<NamedField[], FieldsFailure> {
  const fields = entriesOf(body).map(([name, asked]) => ({ name, field: fieldOf(asked) }));
  const doubled = entriesOf(body).find(([, asked]) => saysTwice(asked));
  if (doubled !== undefined) {
    const pointer = `/${doubled[0]}/decimals`;
    return refuse(
      fieldsFailure({ kind: "invalid", pointer, problem: "an integer has no decimals" }),
    );
  }
  const checked = checkNamedFields(fields);
  return checked.ok ? ok(fields) : refuse(fieldsFailure(checked.refusal));
}

function saysTwice(asked: AskedFieldBody): boolean {
  const single = asked.type === "list" ? asked.items : asked;
  return single.type === "number" && single.integer === true && (single.decimals ?? 0) > 0;
}

function fieldOf(asked: AskedFieldBody): Field {
  if (asked.type !== "list") return singleOf(asked);
  const { type, items, max_items: maxItems, ...said } = asked;
  return { type, ...said, items: singleOf(items), maxItems };
}

function singleOf(asked: AskedSingleBody): SingleField {
  switch (asked.type) {
    case "boolean":
      return asked;
    case "date":
      return withRequired(asked);
    case "choice": {
      const { criteria, none = false, ...said } = asked;
      return { ...said, options: optionsOf(criteria), none };
    }
    case "score": {
      const { criteria, ...said } = asked;
      return { ...said, levels: optionsOf(criteria) };
    }
    case "number": {
      const { integer: _, decimals = 0, ...said } = asked;
      return { ...withRequired(said), decimals };
    }
    case "time":
    case "datetime": {
      const { type, seconds = false, ...said } = asked;
      return { ...withRequired(said), type, seconds };
    }
    case "text": {
      const { max_tokens: maxTokens = USUAL_TEXT_TOKENS, ...said } = asked;
      return { ...withRequired(said), maxTokens };
    }
    default:
      return asked satisfies never;
  }
}

/** Not required is what is said of a field of which nothing is said. */
function withRequired<Asked extends { readonly required?: boolean }>({
  required,
  ...said
}: Asked): Omit<Asked, "required"> & { readonly required?: true } {
  return required === true ? { ...said, required } : said;
}

function optionsOf(criteria: OptionsBody): Option[] {
  if (isList(criteria))
    return criteria.map((option) =>
      typeof option === "string" ? { value: option } : optionOf(option.value, option.description),
    );
  return entriesOf(criteria).map(([value, description]) => optionOf(value, description));
}

function isList(criteria: OptionsBody): criteria is Extract<OptionsBody, readonly unknown[]> {
  return Array.isArray(criteria);
}

function optionOf(value: string, description: string | null | undefined): Option {
  return description == null ? { value } : { value, description };
}
