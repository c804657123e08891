import type { Field, NamedField, Option, SingleField } from "#domain/fields.ts";
import type {
  AskedFieldBody,
  AskedSingleBody,
  FieldsBody,
} from "../../api/answers/fields/fields-body.ts";

/** Writes fields as a request of our own has them. Their names must keep their place in an object (`json-schema/words.ts`). */
export function askedFields(fields: readonly NamedField[]): FieldsBody {
  return Object.fromEntries(fields.map(({ name, field }) => [name, askedField(field)]));
}

function askedField(field: Field): AskedFieldBody {
  if (field.type === "answers") throw new Error("no request names whole answers as a field");
  if (field.type !== "list") return askedSingle(field);
  const { type, items, maxItems: max_items, ...said } = field;
  return { type, ...said, items: askedSingle(items), max_items };
}

function askedSingle(field: SingleField): AskedSingleBody {
  switch (field.type) {
    case "choice": {
      const { options, ...said } = field;
      return { ...said, criteria: criteriaOf(options) };
    }
    case "score": {
      const { levels, ...said } = field;
      return { ...said, criteria: criteriaOf(levels) };
    }
    case "text": {
      const { maxTokens: max_tokens, ...said } = field;
      return { ...said, max_tokens };
    }
    default:
      return field;
  }
}

function criteriaOf(
  options: readonly Option[],
): readonly { readonly value: string; readonly description?: string }[] {
  return options;
}
