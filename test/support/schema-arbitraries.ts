import fc from "fast-check";
import type { Field, NamedField, OpenField, SingleField } from "#domain/fields.ts";
import { asClosed, optionsOf } from "#domain/fields.ts";
import type { ToldField } from "#wire/compatible/json-schema/write-json.ts";

type Schema = Readonly<Record<string, unknown>>;

const scalar: fc.Arbitrary<Schema> = fc.oneof(
  fc.constant({ type: "boolean" }),
  fc.uniqueArray(word(), { minLength: 1, maxLength: 30 }).map((names) => ({
    type: "string",
    enum: names,
  })),
  fc.uniqueArray(fc.integer({ min: -9, max: 99 }), { minLength: 1, maxLength: 6 }).map((list) => ({
    type: "integer",
    enum: list,
  })),
  word().map((name) => ({ const: name })),
  bounds().map(([minimum, maximum]) => ({ type: "integer", minimum, maximum })),
  fc.constant({ type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  fc
    .tuple(fc.constantFrom(1, 0.1, 0.01), bounds(), fc.boolean())
    .map(([multipleOf, [low, high], isExclusive]) =>
      isExclusive
        ? { type: "number", multipleOf, exclusiveMinimum: low, exclusiveMaximum: high + 2 }
        : { type: "number", multipleOf, minimum: low, maximum: high },
    ),
  fc.constant({ type: "number" }),
  fc.constantFrom("date", "time", "date-time").map((format) => ({ type: "string", format })),
  fc.integer({ min: 0, max: 40 }).map((maxLength) => ({ type: "string", maxLength })),
  fc.constant({ type: "string" }),
);

function word(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.constantFrom("__proto__", "10", '"}', "größe"),
  );
}

function bounds(): fc.Arbitrary<readonly [number, number]> {
  return fc
    .tuple(fc.integer({ min: -5000, max: 5000 }), fc.integer({ min: 0, max: 5000 }))
    .map(([low, width]) => [low, low + width] as const);
}

const list: fc.Arbitrary<Schema> = fc
  .record({
    items: scalar.filter(
      (items) =>
        !("const" in items) && !(Array.isArray(items["enum"]) && items["enum"].length === 1),
    ),
    maxItems: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    uniqueItems: fc.boolean(),
  })
  .filter(({ items }) => isSmall(items))
  .map(({ items, maxItems, uniqueItems }) => ({
    ...{ type: "array", items: items["maxLength"] === 0 ? { type: "string" } : items },
    ...(maxItems === undefined ? {} : { maxItems }),
    ...(uniqueItems ? { uniqueItems } : {}),
  }));

/** An item has a letter for each option. */
function isSmall({ enum: values, minimum, maximum }: Schema): boolean {
  return (
    (!Array.isArray(values) || values.length <= 24) &&
    (minimum === undefined || minimum !== maximum)
  );
}

/** Schemas of a value, as libraries write them: bare, nullable in either form, wrapped, referred to. */
function dressed(bare: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  const dress = fc.constantFrom<(schema: Schema) => Schema>(
    (schema) => schema,
    (schema) => ({ ...schema, description: "What is it?", title: "It" }),
    (schema) => ({ anyOf: [schema, { type: "null" }], default: null }),
    (schema) => ({ oneOf: [{ type: "null" }, schema] }),
    (schema) => ({ allOf: [schema], description: "That one." }),
    (schema) =>
      typeof schema["type"] === "string" && !("enum" in schema)
        ? { ...schema, type: [schema["type"], "null"] }
        : schema,
  );
  return fc.tuple(bare, dress).map(([schema, put]) => put(schema));
}

/** Schemas that are supported: objects within each other, some of their parts in `$defs`. */
export const supportedSchemas: fc.Arbitrary<Schema> = fc
  .tuple(objects(3), fc.boolean())
  .filter(([schema]) => JSON.stringify(schema).length < 4_000)
  .map(([schema, isReferred]) => (isReferred ? withDefs(schema) : schema));

function objects(depth: number): fc.Arbitrary<Schema> {
  const values = [
    { arbitrary: dressed(scalar), weight: 6 },
    { arbitrary: dressed(list), weight: 2 },
    ...(depth === 0 ? [] : [{ arbitrary: dressed(objects(depth - 1)), weight: 2 }]),
  ];
  const property = fc.record({
    // Not `__proto__`, which the validator passes over as a property.
    name: fc.oneof(
      word().filter((name) => name !== "__proto__"),
      fc.constantFrom("a.b", "a", "b", "constructor"),
    ),
    schema: fc.oneof(...values),
    isRequired: fc.boolean(),
  });
  return fc
    .uniqueArray(property, { minLength: 1, maxLength: 5, selector: ({ name }) => name })
    .map((properties) => ({
      type: "object",
      properties: Object.fromEntries(properties.map(({ name, schema }) => [name, schema])),
      required: properties.filter(({ isRequired }) => isRequired).map(({ name }) => name),
      additionalProperties: false,
    }));
}

/** The same schema with each property's in `$defs`. */
function withDefs(schema: Schema): Schema {
  const properties = Object.entries(schema["properties"] as object);
  return {
    ...schema,
    properties: Object.fromEntries(
      properties.map(([name], index) => [name, { $ref: `#/$defs/part%20${index}` }]),
    ),
    $defs: Object.fromEntries(properties.map(([, own], index) => [`part ${index}`, own])),
  };
}

/** What could be read of fields: values, none, abstained, cut off by nothing. */
export function readingsOf(
  fields: readonly NamedField[],
): fc.Arbitrary<ReadonlyMap<string, ToldField>> {
  return fc
    .tuple(
      ...fields.map(({ name, field }) => readingOf(field).map((told) => [name, told] as const)),
    )
    .map((told) => new Map(told));
}

function readingOf(field: Field): fc.Arbitrary<ToldField> {
  if (field.type === "answers") throw new Error("no schema asks for whole answers");
  if (field.type !== "list") return singleReading(field, true);
  return fc
    .array(singleReading(field.items, false), { maxLength: field.maxItems })
    .map((items) => ({ value: items.map(({ value }) => value), items }));
}

function singleReading(field: SingleField, hasGate: boolean): fc.Arbitrary<ToldField> {
  const closed = asClosed(field);
  if (closed === undefined) {
    const isRequired = "required" in field && field.required === true;
    const value = openValue(field as OpenField);
    return (hasGate && !isRequired ? fc.option(value) : value).map((own) => ({ value: own }));
  }
  return fc.tuple(fc.constantFrom(...optionsOf(field)), fc.boolean()).map(([{ value }, isSure]) => {
    const guess = optionValue(field, value);
    return { value: isSure ? guess : null, guess };
  });
}

function optionValue({ type }: Pick<Field, "type">, option: string): string | number | boolean {
  if (type === "boolean") return option === "true";
  return type === "number" ? Number(option) : option;
}

function openValue(field: OpenField): fc.Arbitrary<string | number> {
  switch (field.type) {
    case "number": {
      const scale = 10 ** field.decimals;
      const [min, max] = [Math.ceil(field.minimum * scale), Math.floor(field.maximum * scale)];
      return fc
        .integer({ min, max })
        .map((steps) => Number((steps / scale).toFixed(field.decimals)));
    }
    case "date":
      return moment().map((text) => text.slice(0, 10));
    case "time":
      return moment().map((text) => text.slice(11, field.seconds ? 19 : 16));
    case "datetime":
      return moment().map((text) => text.slice(0, field.seconds ? 19 : 16));
    case "text":
      return fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 60 }),
        fc.constantFrom('"}', "\\", ""),
      );
    default:
      return field satisfies never;
  }
}

function moment(): fc.Arbitrary<string> {
  return fc
    .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
    .map((date) => date.toISOString());
}
