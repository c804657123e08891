import { FIELD_LIMITS, type FieldType, fieldTypes } from "#domain/fields.ts";
import type {
  AskedFieldBody,
  AskedSingleBody,
  FieldsBody,
  OptionsBody,
} from "#wire/api/answers/fields/fields-body.ts";
import {
  type FieldRow,
  newRow,
  optionsIn,
  optionsText,
  usual,
  type WrittenOption,
} from "./rows.ts";

/** The fields of a request, as rows have them. */
export function fieldsBodyOf(rows: readonly FieldRow[]): FieldsBody {
  return Object.fromEntries(rows.map((row) => [row.name.trim(), askedFieldOf(row)]));
}

function askedFieldOf(row: FieldRow): AskedFieldBody {
  const { type, options, none, minimum, maximum, decimals, maxTokens, maxItems } = row;
  const required = row.required ? { required: true } : {};
  const text = row.instructions.trim();
  const instructions = text === "" ? {} : { instructions: text };
  switch (type) {
    case "boolean":
      return { type, ...instructions, ...sidesOf(row) };
    case "choice":
      return { type, ...instructions, criteria: criteriaOf(options), ...(none ? { none } : {}) };
    case "score":
      return { type, ...instructions, criteria: criteriaOf(options) };
    case "number":
      return {
        ...{ type, ...instructions },
        minimum: minimum ?? usual.minimum,
        maximum: maximum ?? usual.maximum,
        ...(decimals === null ? {} : { decimals }),
        ...required,
      };
    case "text":
      return { type, ...instructions, ...roomOf(maxTokens), ...required };
    case "list":
      return { type, ...instructions, items: itemOf(row), max_items: maxItems ?? usual.maxItems };
    case "time":
    case "datetime":
      return { type, ...instructions, ...(row.seconds ? { seconds: true } : {}), ...required };
    case "date":
      return { type, ...instructions, ...required };
    default:
      return type satisfies never;
  }
}

function sidesOf({ yes, no }: FieldRow): { readonly criteria?: { true?: string; false?: string } } {
  const sides = {
    ...(yes.trim() === "" ? {} : { true: yes.trim() }),
    ...(no.trim() === "" ? {} : { false: no.trim() }),
  };
  return Object.keys(sides).length === 0 ? {} : { criteria: sides };
}

/** Texts alone where nothing is said of them. */
function criteriaOf(text: string): OptionsBody {
  return optionsIn(text).map(({ value, description }) =>
    description === "" ? value : { value, description },
  );
}

/** Items are of the options, where there are any, and texts else. */
function itemOf({ options, maxTokens }: FieldRow): AskedSingleBody {
  return optionsIn(options).length === 0
    ? { type: "text", ...roomOf(maxTokens) }
    : { type: "choice", criteria: criteriaOf(options) };
}

function roomOf(maxTokens: number | null): { readonly max_tokens?: number } {
  return maxTokens === null ? {} : { max_tokens: maxTokens };
}

/** Threat: a link from anywhere that keeps the page busy. Characters of the fields in it; some servers and chats cut addresses off not far above. */
export const MAX_LINKED_FIELDS = 6_000;

/** Fields as a link carries them: the request's own JSON. */
export function linkedFields(rows: readonly FieldRow[]): string {
  return JSON.stringify(fieldsBodyOf(rows));
}

/** Reads the fields of a link; null where they are none. What of them cannot be read is left to the usual. */
export function rowsOf(text: string): readonly FieldRow[] | null {
  if (text.length > MAX_LINKED_FIELDS) return null;
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(body)) return null;
  return Object.entries(body)
    .slice(0, FIELD_LIMITS.fields)
    .flatMap(([name, field]) => (isObject(field) ? [rowOf(name, field)] : []));
}

type Members = Readonly<Record<string, unknown>>;

function rowOf(name: string, field: Members): FieldRow {
  const items = isObject(field["items"]) ? field["items"] : {};
  const hasSides = field["type"] === "boolean" && isObject(field["criteria"]);
  const criteria = hasSides ? [] : (field["criteria"] ?? items["criteria"]);
  const sides = hasSides ? (field["criteria"] as Members) : {};
  return newRow({
    name,
    type: typeOf(field["type"]),
    instructions: textOf(field["instructions"]),
    options: optionsText(optionsOf(criteria)),
    none: field["none"] === true,
    yes: textOf(sides["true"]),
    no: textOf(sides["false"]),
    required: field["required"] === true,
    seconds: field["seconds"] === true,
    minimum: numberOf(field["minimum"]),
    maximum: numberOf(field["maximum"]),
    decimals: numberOf(field["decimals"]),
    maxTokens: numberOf(field["max_tokens"] ?? items["max_tokens"]),
    maxItems: numberOf(field["max_items"]),
  });
}

function typeOf(value: unknown): FieldType {
  return fieldTypes.find((type) => type === value) ?? "boolean";
}

function optionsOf(criteria: unknown): readonly WrittenOption[] {
  if (isObject(criteria))
    return Object.entries(criteria).map(([value, said]) => optionOf(value, said));
  if (!Array.isArray(criteria)) return [];
  return criteria.map((option: unknown) =>
    isObject(option) ? optionOf(option["value"], option["description"]) : optionOf(option, ""),
  );
}

/** Each on a line of its own: they have none within them. */
function optionOf(value: unknown, description: unknown): WrittenOption {
  const [own, said] = [value, description].map((text) => textOf(text).replaceAll(/\s+/g, " "));
  return { value: own?.trim() ?? "", description: said?.trim() ?? "" };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
