import { describe, expect, test } from "vitest";
import * as z from "zod";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { readSchema, type SchemaReading } from "#wire/compatible/json-schema/read-schema.ts";
import { type ToldField, writeJson } from "#wire/compatible/json-schema/write-json.ts";

function read(schema: unknown): SchemaReading {
  const reading = readSchema(schema, UNTOLD_READ_STYLE);
  if (!reading.ok) throw new Error(JSON.stringify(reading.refusal));
  return reading.value;
}

/** An object of these properties, all required. */
function object(properties: object, more: object = {}): object {
  const required = Object.keys(properties);
  return { type: "object", properties, required, additionalProperties: false, ...more };
}

function fieldsOf(schema: unknown): readonly (readonly [string, object])[] {
  return read(schema).fields.map(({ name, field }) => [name, field]);
}

function written(schema: unknown, told: Readonly<Record<string, ToldField>>): unknown {
  const { text, isWhole } = writeJson(read(schema).shape, (name) => told[name]);
  expect(isWhole).toBe(true);
  return JSON.parse(text);
}

const value = (own: unknown): ToldField => ({ value: own });

// What pydantic 2.14 makes of a model with an enum, a literal, a nested model, optional ones and a list; as openai, instructor and pydantic-ai send it.
const pydantic = {
  $defs: {
    Box: {
      description: "A box.",
      properties: {
        color: { $ref: "#/$defs/Color" },
        count: {
          ...{ description: "How many are there?", maximum: 20, minimum: 0 },
          ...{ title: "Count", type: "integer" },
        },
      },
      ...{ required: ["color", "count"], title: "Box", type: "object" },
    },
    Color: { enum: ["red", "blue"], title: "Color", type: "string" },
  },
  description: "What is in the picture.",
  properties: {
    damaged: { description: "Is it damaged?", title: "Damaged", type: "boolean" },
    kind: { enum: ["vase", "dog"], title: "Kind", type: "string" },
    one: { const: "x", title: "One", type: "string" },
    price: { anyOf: [{ type: "number" }, { type: "null" }], default: null, title: "Price" },
    box: { $ref: "#/$defs/Box" },
    obox: { anyOf: [{ $ref: "#/$defs/Box" }, { type: "null" }], default: null },
    colors: { items: { $ref: "#/$defs/Color" }, maxItems: 3, title: "Colors", type: "array" },
    label: { default: "none", title: "Label", type: "string" },
  },
  ...{ required: ["damaged", "kind", "one", "box", "colors"], title: "Item", type: "object" },
};

describe("a schema of Pydantic's", () => {
  const colors = [{ value: "red" }, { value: "blue" }];

  test("is fields: names are dotted paths, descriptions what is asked, those of objects before them", () => {
    const color = { type: "choice", options: colors, none: false };
    const count = { type: "number", minimum: 0, maximum: 20, decimals: 0, required: true };
    expect(fieldsOf(pydantic)).toEqual([
      ["damaged", { type: "boolean", instructions: "Is it damaged?" }],
      [
        "kind",
        {
          type: "choice",
          options: [{ value: "vase" }, { value: "dog" }],
          none: false,
          instructions: "What is the kind?",
        },
      ],
      [
        "price",
        {
          ...{ type: "number", minimum: -999, maximum: 9999, decimals: 2 },
          instructions: "What is the price?",
        },
      ],
      ["box.color", { ...color, instructions: "A box. What is the color?" }],
      ["box.count", { ...count, instructions: "A box. How many are there?" }],
      ["obox", { type: "boolean", instructions: "Does the picture show this: A box." }],
      ["obox.color", { ...color, instructions: "A box. What is the color?" }],
      ["obox.count", { ...count, instructions: "A box. How many are there?" }],
      [
        "colors",
        {
          ...{ type: "list", maxItems: 3, instructions: "What are the colors?" },
          items: { type: "choice", options: colors, none: false },
        },
      ],
      ["label", { type: "text", maxTokens: 12, instructions: "What is the label?" }],
    ]);
    expect(read(pydantic).description).toBe("What is in the picture.");
  });

  test("is answered in its order: null where it may be, left out where it need not be, the guess where neither", () => {
    const told = {
      ...{ damaged: { value: null, guess: true }, kind: { value: null, guess: "dog" } },
      ...{ price: value(null), "box.color": value("red"), "box.count": value(3) },
      ...{ obox: value(false), "obox.color": value("red"), "obox.count": value(0) },
      ...{ colors: { value: ["red"], items: [{ value: null, guess: "red" }] }, label: value(null) },
    };
    const { text } = writeJson(read(pydantic).shape, (name) => told[name as keyof typeof told]);
    expect(text).toBe(
      '{"damaged":true,"kind":"dog","one":"x","price":null,"box":{"color":"red","count":3},"obox":null,"colors":["red"]}',
    );
  });

  test("says what of it was left open, and how it was read", () => {
    expect(read(pydantic).assumed).toEqual([
      "/properties/price is read to 2 decimals",
      "/properties/price is read from -999 to 9999",
      "/properties/label has room for 12 tokens",
    ]);
  });
});

describe("a schema of zod's", () => {
  const schema = z.object({
    day: z.iso.date(),
    at: z.iso.time(),
    minute: z.iso.time({ precision: -1 }),
    sent: z.iso.datetime(),
    local: z.iso.datetime({ local: true }),
    count: z.int(),
    cents: z.number().multipleOf(0.01).min(0).max(99).nullable(),
    more: z.number().positive().multipleOf(0.1),
    either: z.union([z.literal("p"), z.literal("q").describe("the other")]),
    digit: z.literal([1, 2]),
    note: z.string().max(20).optional(),
    sure: z.boolean().nullable(),
  });
  const told = {
    ...{ day: value("2026-11-28"), at: value("09:05:30"), minute: value("09:05") },
    ...{ sent: value("2026-11-28T09:05:30"), local: value("2026-11-28T09:05:30") },
    ...{ count: value(7), cents: value(0.07), more: value(0.1), either: value("q") },
    ...{ digit: value("2"), note: value("a text of more than twenty characters") },
    sure: value("no"),
  };

  test.each(["draft-2020-12", "draft-7"] as const)(
    "is answered with what zod takes: %s",
    (target) => {
      const answer = written(z.toJSONSchema(schema, { target, io: "input" }), told);
      expect(schema.parse(answer)).toEqual({
        ...{ day: "2026-11-28", at: "09:05:30", minute: "09:05", sent: "2026-11-28T09:05:30Z" },
        ...{
          local: "2026-11-28T09:05:30",
          count: 7,
          cents: 0.07,
          more: 0.1,
          either: "q",
          digit: 2,
        },
        ...{ note: "a text of more than t".slice(0, 20), sure: false },
      });
    },
  );

  test("has its safe integers for no bounds, and what lies above 0 from the first step on", () => {
    const fields = new Map(fieldsOf(z.toJSONSchema(schema, { io: "input" })));
    expect(fields.get("count")).toMatchObject({ minimum: -999, maximum: 9999 });
    expect(fields.get("more")).toMatchObject({ minimum: 0.1, maximum: 9999, decimals: 1 });
    expect(fields.get("either")).toMatchObject({
      options: [{ value: "p" }, { value: "q", description: "the other" }],
    });
  });
});

describe("a value", () => {
  test("that is known already is not read: a const, an enum of one, a range of one, an empty list", () => {
    const schema = object({
      ...{ a: { const: 3 }, b: { type: "string", enum: ["x"] }, c: { type: "null" } },
      d: { type: "integer", minimum: 5, maximum: 5 },
      e: { type: "array", items: { type: "boolean" }, maxItems: 0 },
      f: { type: "boolean" },
    });
    expect(fieldsOf(schema).map(([name]) => name)).toEqual(["f"]);
    expect(written(schema, { f: value(true) })).toEqual({
      ...{ a: 3, b: "x", c: null, d: 5, e: [], f: true },
    });
  });

  test("that may be null can be none of its options", () => {
    const schema = object({
      kind: { enum: ["a", "b", null] },
      is_open: { type: ["boolean", "null"] },
    });
    expect(fieldsOf(schema)).toMatchObject([
      ["kind", { type: "choice", none: true }],
      ["is_open", { type: "choice", none: true, instructions: "Is it open?" }],
    ]);
  });

  test("whose name no field can have gets another, each its own", () => {
    const schema = object({
      größe: { type: "boolean" },
      "gr ße": { type: "boolean" },
      "10": { type: "boolean" },
      ["__proto__"]: { type: "boolean" },
      a: object({ b: { type: "boolean" } }),
      "a.b": { type: "boolean" },
      ["x".repeat(90)]: { type: "boolean" },
    });
    const names = fieldsOf(schema).map(([name]) => name);
    expect(names.toSorted()).toEqual(
      ["_10", "___proto__", "a.b", "a_b", "gr__e", "gr__e-2", "x".repeat(64)].toSorted(),
    );
    const text = writeJson(read(schema).shape, () => value(true)).text;
    expect(text).toContain('"größe":true,"gr ße":true');
    expect(text).toContain('"__proto__":true');
  });

  test("of a list is told once where items are unique", () => {
    const items = { type: "string", enum: ["a", "b"] };
    const schema = object({ tags: { type: "array", items, uniqueItems: true, maxItems: 3 } });
    const told = { value: ["a", "b", "a"], items: [value("a"), value("b"), value("a")] };
    expect(written(schema, { tags: told })).toEqual({ tags: ["a", "b"] });
  });

  test("that a deadline cut off ends the text before it", () => {
    const schema = object({
      a: { type: "boolean" },
      b: { type: "string" },
      c: { type: "boolean" },
    });
    const told: Record<string, ToldField> = {
      ...{ a: value(true), b: { value: null, unfinished: true }, c: value(false) },
    };
    expect(writeJson(read(schema).shape, (name) => told[name])).toEqual({
      ...{ text: '{"a":true', isWhole: false },
    });
  });
});

describe("a schema is refused, with where and what to do", () => {
  const boolean = { type: "boolean" };
  const text = (more: object): object => object({ it: { type: "string", ...more } });

  test.each<[string, unknown, string, RegExp]>([
    ["no object", true, "", /must be an object that says a type/],
    ["another root", { type: "array", items: boolean }, "", /root must be an object/],
    [
      "a root that may be null",
      { ...object({ a: boolean }), type: ["object", "null"] },
      "",
      /root/,
    ],
    ["nothing to read", object({ a: { const: 1 } }), "", /no value that is to be read/],
    ["a map", object({ a: { type: "object" } }), "/properties/a", /must name its properties/],
    [
      "a pattern",
      text({ pattern: "^(a+)+$" }),
      "/properties/it/pattern",
      /list the values as an enum/,
    ],
    [
      "another format",
      text({ format: "email" }),
      "/properties/it/format",
      /date, time and date-time/,
    ],
    ["a least length", text({ minLength: 1 }), "/properties/it/minLength", /Leave it out/],
    [
      "an item that is an object",
      object({ a: { type: "array", items: object({ b: boolean }) } }),
      "/properties/a/items",
      /no object, and no list/,
    ],
    [
      "a least count",
      object({ a: { type: "array", items: boolean, minItems: 1 } }),
      "/properties/a/minItems",
      /as many items as the picture shows/,
    ],
    ["no type", object({ a: { description: "?" } }), "/properties/a", /says no type/],
    [
      "a strange type",
      object({ a: { type: "file" } }),
      "/properties/a/type",
      /no type of JSON Schema/,
    ],
    [
      "several types",
      object({ a: { type: ["string", "integer"] } }),
      "/properties/a/type",
      /one type/,
    ],
    [
      "several forms",
      object({ a: { anyOf: [{ type: "string" }, { type: "integer" }] } }),
      "/properties/a/anyOf/0",
      /one form/,
    ],
    [
      "several parts",
      object({ a: { allOf: [boolean, { title: "x" }] } }),
      "/properties/a/allOf",
      /one part/,
    ],
    [
      "a rule of another kind",
      object({ a: { ...boolean, minimum: 1 } }),
      "/properties/a/minimum",
      /numbers/,
    ],
    ["a condition", object({ a: boolean }, { if: {} }), "/if", /type, enum, properties/],
    [
      "a step",
      object({ a: { type: "number", multipleOf: 0.25 } }),
      "/properties/a/multipleOf",
      /0\.01/,
    ],
    [
      "bounds with nothing between",
      object({ a: { type: "integer", minimum: 2, maximum: 1 } }),
      "/properties/a",
      /no whole number/,
    ],
    [
      "two options that look the same",
      object({ a: { enum: ["\u00e9", "e\u0301"] } }),
      "/properties/a",
      /the same text/,
    ],
    [
      "what is required and not there",
      { ...object({ a: boolean }), required: ["b"] },
      "/required/0",
      /no property/,
    ],
    [
      "a reference elsewhere",
      object({ a: { $ref: "https://x.test/a" } }),
      "/properties/a/$ref",
      /this very/,
    ],
    [
      "a reference to nothing",
      object({ a: { $ref: "#/$defs/a" } }),
      "/properties/a/$ref",
      /nothing/,
    ],
    ["a reference to itself", object({ a: { $ref: "#" } }), "/properties/a/$ref", /itself/],
    [
      "a rule that is said twice",
      object(
        { a: { $ref: "#/$defs/n", minimum: 3 } },
        { $defs: { n: { type: "integer", minimum: 1 } } },
      ),
      "/properties/a/minimum",
      /twice/,
    ],
  ])("%s", (_, schema, pointer, message) => {
    const refused = readSchema(schema, UNTOLD_READ_STYLE);
    if (refused.ok) throw new Error("it was read");
    expect(refused.refusal.problems).toEqual([
      { pointer, message: expect.stringMatching(message) },
    ]);
  });

  test("every fault at once", () => {
    const schema = object({ a: { type: "string", pattern: "x" }, b: { type: "file" } });
    const refused = readSchema(schema, UNTOLD_READ_STYLE);
    expect(refused).toMatchObject({
      refusal: {
        problems: [{ pointer: "/properties/a/pattern" }, { pointer: "/properties/b/type" }],
      },
    });
  });

  test("a list, for a model that answers one thing at a time", () => {
    const schema = object({ a: { type: "array", items: boolean } });
    const style = { style: "sentence", yes: "Yes.", no: "No." } as const;
    expect(readSchema(schema, style)).toMatchObject({
      refusal: { problems: [{ pointer: "/properties/a" }] },
    });
  });
});

describe("a schema that is meant to be too much", () => {
  const problemsOf = (schema: unknown): string => {
    const reading = readSchema(schema, UNTOLD_READ_STYLE);
    if (reading.ok) throw new Error("it was read");
    return reading.refusal.problems.map(({ message }) => message).join(" ");
  };
  const chain = (depth: number): object =>
    depth === 0 ? { type: "boolean" } : object({ a: chain(depth - 1) });

  test("is read five objects deep and no deeper", () => {
    expect(fieldsOf(chain(5)).map(([name]) => name)).toEqual(["a.a.a.a.a"]);
    expect(problemsOf(chain(6))).toMatch(/deeper than 5/);
  });

  test("has 64 values at most, however they are referred to", () => {
    const many = (count: number): object =>
      object(
        Object.fromEntries(
          Array.from({ length: count }, (_, index) => [`p${index}`, { $ref: "#/$defs/b" }]),
        ),
        {
          $defs: { b: { type: "boolean" } },
        },
      );
    expect(fieldsOf(many(64))).toHaveLength(64);
    expect(problemsOf(many(65))).toMatch(/64 that are read at once/);
    expect(problemsOf(many(1_000))).toMatch(/more than 128 properties/);
  });

  test("ends soon where references double at every level", () => {
    const level = (next: number): object => {
      const names = Array.from({ length: 100 }, (_, index) => `p${index}`);
      return object(Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/l${next}` }])));
    };
    const $defs = Object.fromEntries(
      Array.from({ length: 4 }, (_, index) => [`l${index}`, level(index + 1)]),
    );
    const bomb = { ...level(0), $defs: { ...$defs, l4: { const: 1 } } };
    expect(problemsOf(bomb)).toMatch(/more than 2000 parts/);
  });

  test("ends soon where references go round, or on and on", () => {
    const round = object(
      { a: { $ref: "#/$defs/a" } },
      { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
    );
    expect(problemsOf(round)).toMatch(/itself/);
    const links = Array.from({ length: 3_000 }, (_, index) => [
      `l${index}`,
      { $ref: `#/$defs/l${index + 1}` },
    ]);
    const long = object({ a: { $ref: "#/$defs/l0" } }, { $defs: Object.fromEntries(links) });
    expect(problemsOf(long)).toMatch(/more than 2000 parts|nothing/);
  });

  test("has no more keywords, options and names than somebody would write", () => {
    const keywords = Object.fromEntries(
      Array.from({ length: 101 }, (_, index) => [`x${index}`, 1]),
    );
    expect(problemsOf(object({ a: { type: "boolean", ...keywords } }))).toMatch(/100 keywords/);
    const options = Array.from({ length: 300 }, (_, index) => String(index));
    expect(problemsOf(object({ a: { enum: options } }))).toMatch(/255 values/);
    expect(problemsOf(object({ a: { anyOf: options.map((own) => ({ const: own })) } }))).toMatch(
      /1 to 256/,
    );
    expect(problemsOf(object({ a: { type: "boolean" } }, { required: options }))).toMatch(
      /128 names/,
    );
    expect(problemsOf(object({ a: { $ref: `#/${"x/".repeat(600)}` } }))).toMatch(
      /this very schema/,
    );
  });

  test.each(["constructor", "__proto__", "toString"])(
    "does not refer to %s of JavaScript's own",
    (name) => {
      expect(problemsOf(object({ a: { $ref: `#/${name}` } }))).toMatch(/nothing/);
    },
  );
});
