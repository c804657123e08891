import { type Description, resolved, type Schema } from "./description.ts";

/** Deeper than this a table is no help; the schema's name stands for the rest. */
const MAX_DEPTH = 3;

/** A field of a schema, named by its way from the top: `usage.steps`, `items[].question`. */
interface Field {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly description: string;
}

/** Tells the fields of a schema as a Markdown table; a sentence where it has none. */
export function fieldsTable(schema: Schema, description: Description, isRequest: boolean): string {
  const fields = fieldsOf(schema, description);
  if (fields.length === 0) return `${typeName(schema, description)}.`;
  const rows = fields.map(({ name, type, isRequired, description: words }) => {
    const mark = isRequest && isRequired ? " **required**" : "";
    return `| \`${name}\` | ${cell(type)}${mark} | ${cell(words)} |`;
  });
  return ["| field | type | |", "| --- | --- | --- |", ...rows].join("\n");
}

function fieldsOf(
  schema: Schema,
  description: Description,
  prefix = "",
  seen: readonly string[] = [],
): readonly Field[] {
  const name = schema.$ref ?? "";
  if (seen.includes(name) || seen.length >= MAX_DEPTH) return [];
  const known = [...seen, name || prefix];
  const whole = resolved<Schema>(schema, description);
  const parts = [...(whole.allOf ?? []), ...objectsOf(whole)];
  const own = Object.entries(whole.properties ?? {}).flatMap(([key, property]) => [
    {
      name: prefix + key,
      type: typeName(property, description),
      isRequired: whole.required?.includes(key) === true,
      description:
        property.description ?? resolved<Schema>(property, description).description ?? "",
    },
    ...nested(property, description, prefix + key, known),
  ]);
  const others = parts.flatMap((part) => fieldsOf(part, description, prefix, known));
  return unique([...own, ...others]);
}

/** The objects that a value may be. */
function objectsOf({ anyOf = [], oneOf = [] }: Schema): readonly Schema[] {
  return [...anyOf, ...oneOf];
}

function nested(
  property: Schema,
  description: Description,
  name: string,
  seen: readonly string[],
): readonly Field[] {
  // A problem has a page of its own.
  if (property.$ref?.endsWith("/Problem")) return [];
  const { items } = resolved<Schema>(property, description);
  return items === undefined
    ? fieldsOf(property, description, `${name}.`, seen)
    : fieldsOf(items, description, `${name}[].`, seen);
}

function unique(fields: readonly Field[]): readonly Field[] {
  return [
    ...new Map(fields.toReversed().map((field) => [field.name, field])).values(),
  ].toReversed();
}

/** A type in words: `whole number, 1 to 512`, `"low" or "auto"`, `text or null`. */
export function typeName(schema: Schema, description: Description): string {
  const whole = resolved<Schema>(schema, description);
  if (whole.const !== undefined) return code(whole.const);
  if (whole.enum !== undefined) return listed(whole.enum.map(code));
  const choices = [...(whole.anyOf ?? []), ...(whole.oneOf ?? [])];
  if (choices.length > 0)
    return listed([...new Set(choices.map((choice) => typeName(choice, description)))]);
  const types = [whole.type ?? []].flat();
  if (types.length === 0) return "allOf" in whole ? "object" : "anything";
  return listed(types.map((type) => named(type, whole, description)));
}

function named(type: string, schema: Schema, description: Description): string {
  switch (type) {
    case "string":
      return withRange(textName(schema), schema.minLength, schema.maxLength, "characters");
    case "integer":
      return withRange("whole number", schema.minimum, schema.maximum);
    case "number":
      return withRange("number", schema.minimum, schema.maximum);
    case "array": {
      const what = schema.items === undefined ? "anything" : typeName(schema.items, description);
      return withRange(`list of ${what}`, schema.minItems, schema.maxItems);
    }
    case "boolean":
      return "true or false";
    default:
      return type;
  }
}

function textName({ format, contentMediaType }: Schema): string {
  if (format === "date-time") return "time (RFC 3339)";
  if (format === "binary" || contentMediaType !== undefined) return "file";
  return "text";
}

/** What no person would come near is no range. */
const BOUNDLESS = 2 ** 31;

function withRange(name: string, least = 0, most = Number.POSITIVE_INFINITY, unit = ""): string {
  const isBounded = most < BOUNDLESS;
  if (!isBounded) return name;
  const range =
    least > 0 || unit === "" ? `${number(least)} to ${number(most)}` : `at most ${number(most)}`;
  return `${name}, ${range}${unit === "" ? "" : ` ${unit}`}`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function listed(names: readonly string[]): string {
  const [last = "", ...others] = names.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
}

/** Text that stays in its cell. */
function cell(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replace(/\s*\n\s*/g, " ")
    .replaceAll("<", "&lt;");
}
