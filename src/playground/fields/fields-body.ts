import { FIELD_LIMITS, type FieldType, fieldTypes } from "#domain/fields.ts";
import type {
  AskedFieldBody,
  AskedSingleBody,
  FieldsBody,
} from "#wire/api/answers/fields/fields-body.ts";
import { type FieldRow, linesOf, newRow, usual } from "./rows.ts";

/** The fields of a request, as rows have them. */
export function fieldsBodyOf(rows: readonly FieldRow[]): FieldsBody {
  return Object.fromEntries(rows.map((row) => [row.name.trim(), askedFieldOf(row)]));
}

function askedFieldOf(row: FieldRow): AskedFieldBody {
  const { type, options, none, minimum, maximum, decimals, maxTokens, maxItems } = row;
  const text = row.instructions.trim();
  const instructions = text === "" ? {} : { instructions: text };
  switch (type) {
    case "choice":
      return { type, ...instructions, criteria: linesOf(options), ...(none ? { none } : {}) };
    case "score":
      return { type, ...instructions, criteria: linesOf(options) };
    case "number":
      return {
        ...{ type, ...instructions },
        minimum: minimum ?? usual.minimum,
        maximum: maximum ?? usual.maximum,
        ...(decimals === null ? {} : { decimals }),
      };
    case "text":
      return { type, ...instructions, ...roomOf(maxTokens) };
    case "list":
      return { type, ...instructions, items: itemOf(row), max_items: maxItems ?? usual.maxItems };
    default:
      return { type, ...instructions };
  }
}

/** Items are of the options, where there are any, and texts else. */
function itemOf({ options, maxTokens }: FieldRow): AskedSingleBody {
  const criteria = linesOf(options);
  return criteria.length === 0
    ? { type: "text", ...roomOf(maxTokens) }
    : { type: "choice", criteria };
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
  return newRow({
    name,
    type: typeOf(field["type"]),
    instructions: textOf(field["instructions"]),
    options: optionsOf(field["criteria"] ?? items["criteria"]).join("\n"),
    none: field["none"] === true,
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

function optionsOf(criteria: unknown): readonly string[] {
  if (!Array.isArray(criteria)) return isObject(criteria) ? Object.keys(criteria) : [];
  return criteria.map((option: unknown) => textOf(isObject(option) ? option["value"] : option));
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
