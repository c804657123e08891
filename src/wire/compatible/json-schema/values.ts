import { FIELD_LIMITS, type Field, type Option, type SingleField } from "#domain/fields.ts";
import { listedValues, type SchemaNode, unfold } from "./node.ts";
import { numberOf } from "./numbers.ts";
import { obeys } from "./rules.ts";
import { isScalar, type JsonScalar } from "./scalar.ts";
import type { Absence, ValueForm } from "./shape.ts";
import { textOf } from "./texts.ts";
import { inside, type SchemaWalk } from "./walk.ts";

/** What a schema of one value, or of a list of them, is: something to read, or what is known without reading. */
export type ValueSchema =
  | { readonly kind: "read"; readonly field: Field; readonly form: ValueForm }
  | { readonly kind: "known"; readonly value: JsonScalar | null | readonly [] };

type Single = Exclude<ValueSchema, { kind: "read" }> | ReadSingle;

interface ReadSingle {
  readonly kind: "read";
  readonly field: SingleField;
  readonly form: ValueForm;
}

const itself: ValueForm = { of: "itself" };

/** Reads a schema that is no object. `absence`: what stands for a value that is not read. */
export function schemaOfValue(
  node: SchemaNode,
  absence: Absence,
  walk: SchemaWalk,
): ValueSchema | undefined {
  return typeOf(node) === "array" ? listOf(node, walk) : singleOf(node, absence, walk);
}

/** The type that a schema names, or that its keywords are of; undefined of one that says nothing. */
export function typeOf({ keywords }: SchemaNode): unknown {
  const named = keywords.get("type")?.value;
  if (named !== undefined) return named;
  if (keywords.has("properties")) return "object";
  return keywords.has("items") ? "array" : undefined;
}

function singleOf(node: SchemaNode, absence: Absence, walk: SchemaWalk): Single | undefined {
  const { keywords, pointer } = node;
  if (keywords.has("enum") || keywords.has("const")) return enumerationOf(node, walk);
  const type = typeOf(node);
  switch (type) {
    case "boolean":
      if (!obeys(node, ["type"], walk)) return undefined;
      return node.isNullable ? nullableBoolean : { kind: "read", field: { type }, form: itself };
    case "integer":
    case "number": {
      const field = numberOf(node, walk);
      if (field === undefined) return undefined;
      return field.minimum === field.maximum && !node.isNullable
        ? { kind: "known", value: field.minimum }
        : { kind: "read", field: needed(field, absence), form: itself };
    }
    case "string": {
      const written = textOf(node, walk);
      return written === undefined
        ? undefined
        : { kind: "read", field: needed(written.field, absence), form: written.form };
    }
    case "null":
      return obeys(node, ["type"], walk) ? { kind: "known", value: null } : undefined;
    case undefined:
      return walk.refuse(pointer, "says no type: add one, such as boolean or string");
    case "object":
    case "array":
      return walk.refuse(pointer, "an item of a list is one value: no object, and no list");
    default:
      return walk.refuse(keywords.get("type")?.pointer ?? pointer, "is no type of JSON Schema");
  }
}

/** Yes, no, or neither: of a boolean alone nobody could say that the picture does not show it. */
const nullableBoolean: ReadSingle = {
  kind: "read",
  field: { type: "choice", options: [{ value: "yes" }, { value: "no" }], none: true },
  form: {
    of: "options",
    values: new Map<string, JsonScalar>([
      ["yes", true],
      ["no", false],
    ]),
  },
};

/** Where nothing may stand in for a value, it is written whatever the picture shows. */
function needed<Of extends Exclude<SingleField, { type: "boolean" | "choice" | "score" }>>(
  field: Of,
  absence: Absence,
): Of {
  return absence === "guess" ? { ...field, required: true } : field;
}

function enumerationOf(node: SchemaNode, walk: SchemaWalk): Single | undefined {
  const { keywords, pointer, isNullable, meanings } = node;
  if (!obeys(node, ["type", "enum", "const", "format"], walk)) return undefined;
  const values = listedValues(keywords, walk);
  if (values === undefined) return undefined;
  const at = (keywords.get("enum") ?? keywords.get("const"))?.pointer ?? pointer;
  const scalars = [...new Set(values)].filter(isScalar);
  const type = typeOf(node);
  const strangers = values.filter((value) => !isScalar(value) || !isOfType(value, type));
  if (strangers.length > 0 && !(values.length === 1 && values[0] === null))
    return walk.refuse(at, "has a value that is not of its type, or that is a list or an object");
  const [first, second] = scalars;
  if (first === undefined)
    return isNullable || values[0] === null
      ? { kind: "known", value: null }
      : walk.refuse(at, "lists no value");
  if (second === undefined && !isNullable) return { kind: "known", value: first };
  if (!isNullable && scalars.length === 2 && scalars.every((value) => typeof value === "boolean"))
    return { kind: "read", field: { type: "boolean" }, form: itself };
  const options = scalars.map((value): Option => {
    const description = meanings.get(value);
    return { value: String(value), ...(description === undefined ? {} : { description }) };
  });
  return {
    kind: "read",
    field: { type: "choice", options, none: isNullable },
    form: { of: "options", values: new Map(scalars.map((value) => [String(value), value])) },
  };
}

function isOfType(value: JsonScalar, type: unknown): boolean {
  if (type === undefined) return true;
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function listOf(node: SchemaNode, walk: SchemaWalk): ValueSchema | undefined {
  const { keywords, pointer, followed } = node;
  if (!obeys(node, ["type", "items", "maxItems", "uniqueItems"], walk)) return undefined;
  if (walk.style.style === "sentence")
    return walk.refuse(
      pointer,
      "this model answers one thing at a time: give each item a property",
    );
  const items = keywords.get("items");
  if (items === undefined) return walk.refuse(pointer, "says nothing of its items: add items");
  const maxItems = roomOf(node, walk);
  const item = unfold(items, walk, followed);
  if (maxItems === undefined || item === undefined) return undefined;
  const itemAbsence = item.isNullable ? "null" : "guess";
  // The list's count says whether an item is there, so none has to be required.
  const single = singleOf(item, "null", walk);
  if (single === undefined) return undefined;
  if (maxItems === 0) return { kind: "known", value: [] };
  if (single.kind === "known")
    return walk.refuse(inside(pointer, "items"), "has one value alone: ask how many there are");
  const description = item.keywords.get("description")?.value;
  const field =
    typeof description === "string" ? { ...single.field, instructions: description } : single.field;
  const isUnique = keywords.get("uniqueItems")?.value === true;
  return {
    kind: "read",
    field: { type: "list", items: field, maxItems },
    form: { of: "list", item: single.form, itemAbsence, isUnique },
  };
}

/** Items that a list has room for. */
function roomOf({ keywords, pointer }: SchemaNode, walk: SchemaWalk): number | undefined {
  const most = FIELD_LIMITS.items;
  const said = keywords.get("maxItems");
  if (said !== undefined) {
    const { value } = said;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
      return walk.refuse(said.pointer, "must be a whole number, 0 or more");
    if (value <= most) return value;
  }
  walk.assume(pointer, `has room for ${most} items`);
  return most;
}
