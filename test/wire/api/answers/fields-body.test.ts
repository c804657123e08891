import { describe, expect, test } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { FIELD_LIMITS, type NamedField } from "#domain/fields.ts";
import type { ReadOrder } from "#domain/question.ts";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { fieldBodies, fieldBodySchema } from "#wire/api/answers/fields/field-body.ts";
import { parseAnswerForm, parseAnswerJson } from "#wire/api/answers/requests.ts";
import { formParts, jsonBody } from "../../../support/bodies.ts";
import { untold } from "../../../support/edge-builders.ts";

const card = { ...untold, read: UNTOLD_READ_STYLE };

/** JSON text, whose names keep their places and `__proto__` is a name as any. */
function parseText(text: string): ReturnType<typeof parseAnswerJson> {
  const body = jsonBody({});
  return parseAnswerJson({ ...body, parse: () => ({ ok: true, value: JSON.parse(text) }) }, card);
}

function read(body: object): ReadOrder {
  const request = parseText(JSON.stringify(body));
  if (!request.ok || request.value.read === undefined)
    throw new Error(`refused: ${JSON.stringify(request)}`);
  return request.value.read;
}

function refusal(body: object): Failure {
  const request = parseText(JSON.stringify(body));
  if (request.ok) throw new Error("not refused");
  return request.refusal;
}

function refused(fields: object): readonly [string, string, string] {
  const failure = refusal({ fields });
  if (!("problems" in failure)) throw new Error(failure.kind);
  const [{ pointer, message } = { pointer: "", message: "" }] = failure.problems;
  return [failure.kind, pointer, message];
}

const yes = { type: "boolean" } as const;

describe("fields of a request", () => {
  test("are read in their order, with what they leave open filled in", () => {
    const { fields, ...terms } = read({
      fields: {
        damaged: { type: "boolean", instructions: "Damaged?", criteria: { true: "a crack" } },
        kind: {
          type: "choice",
          criteria: { vase: null, "guinea pig": "a small rodent" },
          none: true,
        },
        state: { type: "score", criteria: ["new", { value: "used", description: "some wear" }] },
        count: { type: "number", integer: true, minimum: 0, maximum: 20 },
        price: { type: "number", decimals: 2, minimum: 0, maximum: 9999 },
        taken: { type: "date" },
        at: { type: "time" },
        until: { type: "datetime", seconds: true },
        label: { type: "text" },
        colors: {
          type: "list",
          items: { type: "choice", criteria: ["red", "blue"] },
          max_items: 3,
        },
      },
    });
    expect(terms).toEqual({ abstainBelow: 0, onTruncate: "keep" });
    const expected: readonly NamedField[] = [
      {
        name: "damaged",
        field: { type: "boolean", instructions: "Damaged?", criteria: { true: "a crack" } },
      },
      {
        name: "kind",
        field: {
          type: "choice",
          options: [{ value: "vase" }, { value: "guinea pig", description: "a small rodent" }],
          none: true,
        },
      },
      {
        name: "state",
        field: {
          type: "score",
          levels: [{ value: "new" }, { value: "used", description: "some wear" }],
        },
      },
      { name: "count", field: { type: "number", minimum: 0, maximum: 20, decimals: 0 } },
      { name: "price", field: { type: "number", minimum: 0, maximum: 9999, decimals: 2 } },
      { name: "taken", field: { type: "date" } },
      { name: "at", field: { type: "time", seconds: false } },
      { name: "until", field: { type: "datetime", seconds: true } },
      { name: "label", field: { type: "text", maxTokens: 12 } },
      {
        name: "colors",
        field: {
          type: "list",
          items: {
            type: "choice",
            options: [{ value: "red" }, { value: "blue" }],
            none: false,
          },
          maxItems: 3,
        },
      },
    ];
    expect(fields).toEqual(expected);
  });

  test("take terms of their own, and need no question", () => {
    const body = { fields: { a: yes }, abstain_below: 0.7, passes: 8, on_truncate: "widen" };
    expect(read(body)).toMatchObject({ abstainBelow: 0.7, openPasses: 8, onTruncate: "widen" });
    const asked = parseText(JSON.stringify(body));
    expect(asked.ok && asked.value.messages).toEqual([{ role: "user", text: "" }]);
    const said = parseText(JSON.stringify({ ...body, question: "A returns desk." }));
    expect(said.ok && said.value.messages).toEqual([{ role: "user", text: "A returns desk." }]);
  });

  test("fill in the canvas and the steps that reading them takes at most", () => {
    const request = parseText(JSON.stringify({ fields: { a: yes, label: { type: "text" } } }));
    expect(request).toMatchObject({
      ok: true,
      value: { options: { canvas: 43, steps: 13, blockLength: 43 }, warnings: [] },
    });
    const style = { style: "sentence", yes: "Yes.", no: "No." } as const;
    const refused = parseAnswerJson(jsonBody({ fields: { a: yes } }), { ...card, read: style });
    expect(refused).toMatchObject({ refusal: { kind: "fields_invalid" } });
  });

  test("are in a form as JSON text", async () => {
    const form = new FormData();
    form.append("fields", JSON.stringify({ a: yes }));
    form.append("abstain_below", "0.5");
    form.append("passes", "4");
    const request = parseAnswerForm(await formParts(form), card);
    expect(request).toMatchObject({
      ok: true,
      value: { read: { fields: [{ name: "a" }], abstainBelow: 0.5, openPasses: 4 } },
    });
  });

  test("keep names that objects have of their own, and options too", () => {
    const text = `{"fields":{"__proto__":{"type":"boolean"},"constructor":{"type":"choice","criteria":{"__proto__":"a","toString":null}}}}`;
    const request = parseText(text);
    if (!request.ok) throw new Error(JSON.stringify(request));
    expect(request.value.read?.fields).toEqual([
      { name: "__proto__", field: { type: "boolean" } },
      {
        name: "constructor",
        field: {
          type: "choice",
          options: [{ value: "__proto__", description: "a" }, { value: "toString" }],
          none: false,
        },
      },
    ]);
  });

  test.each([
    ["no field", {}, "fields_invalid", "/fields"],
    ["a name with a blank", { "a b": yes }, "fields_invalid", "/fields/a b"],
    ["a name with a slash", { "a/b": yes }, "fields_invalid", "/fields/a~1b"],
    ["a type that there is not", { a: { type: "bool" } }, "fields_invalid", "/fields/a/type"],
    ["no type", { a: {} }, "fields_invalid", "/fields/a/type"],
    ["a member unknown", { a: { ...yes, hint: "" } }, "fields_invalid", "/fields/a/hint"],
    [
      "a member unknown of a name that objects have",
      JSON.parse('{"__proto__":{"type":"boolean","hint":1}}'),
      "fields_invalid",
      "/fields/__proto__/hint",
    ],
    [
      "one option",
      { a: { type: "choice", criteria: ["x"] } },
      "fields_invalid",
      "/fields/a/criteria",
    ],
    [
      "an empty option",
      { a: { type: "choice", criteria: ["x", " "] } },
      "fields_invalid",
      "/fields/a/criteria",
    ],
    [
      "options equal after NFC",
      { a: { type: "choice", criteria: ["é", "e\u0301"] } },
      "field_options_collide",
      "/fields/a/criteria",
    ],
    [
      "a number without its bounds",
      { a: { type: "number" } },
      "fields_invalid",
      "/fields/a/minimum",
    ],
    [
      "an integer with decimals",
      { a: { type: "number", minimum: 0, maximum: 1, integer: true, decimals: 2 } },
      "fields_invalid",
      "/fields/a/decimals",
    ],
    [
      "a range without a number",
      { a: { type: "number", minimum: 0.1, maximum: 0.9 } },
      "fields_invalid",
      "/fields/a",
    ],
    [
      "a text of more tokens",
      { a: { type: "text", max_tokens: 65 } },
      "fields_invalid",
      "/fields/a/max_tokens",
    ],
    [
      "a list of lists",
      { a: { type: "list", max_items: 2, items: { type: "list", max_items: 2, items: yes } } },
      "fields_invalid",
      "/fields/a/items/type",
    ],
    [
      "a list of more items",
      { a: { type: "list", max_items: 9, items: yes } },
      "fields_invalid",
      "/fields/a/max_items",
    ],
  ])("are refused with %s", (_, fields, kind, pointer) => {
    expect(refused(fields).slice(0, 2)).toEqual([kind, pointer]);
  });

  test("are refused where there are too many, or too many options or too much text in all", () => {
    const named = (count: number, field: object): object =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, field]));
    const options = Array.from({ length: 255 }, (_, index) => `option ${index}`);
    expect(refused(named(65, yes))).toMatchObject(["fields_invalid", "/fields", /65 fields/]);
    expect(refused(named(17, { type: "choice", criteria: options }))).toEqual([
      "fields_too_large",
      "/fields",
      "have 4335 options together; 4096 are the most",
    ]);
    const long = { ...yes, instructions: "x".repeat(FIELD_LIMITS.instructionsLength) };
    expect(refused(named(17, long))[0]).toBe("fields_too_large");
    const words = { question: "?".repeat(30_000), fields: named(2, long) };
    expect(refusal(words)).toMatchObject({ kind: "fields_too_large" });
  });

  test.each([
    ["suffix", "."],
    ["stop", ["."]],
    ["canvas", 32],
    ["steps", 8],
    ["block_length", 8],
    ["temperature", 0.5],
    ["alternatives", 2],
  ])("are not taken beside %s", (name, value) => {
    const failure = refusal({ fields: { a: yes }, [name]: value });
    expect(failure).toMatchObject({
      kind: "invalid_request",
      problems: [
        { pointer: `/${name}`, message: expect.stringMatching(/^is not taken beside fields: /) },
      ],
    });
    expect(parseText(JSON.stringify({ question: "?", [name]: value })).ok).toBe(true);
  });

  test("rule mode and refresh, and take a temperature of 0", () => {
    const request = parseText(
      JSON.stringify({ fields: { a: yes }, mode: "cached", refresh: 2, temperature: 0 }),
    );
    expect(request).toMatchObject({ ok: true, value: { options: { mode: "cached", refresh: 2 } } });
  });

  test.each(["abstain_below", "passes"])("alone take %s", (name) => {
    expect(refusal({ question: "?", [name]: 1 })).toMatchObject({
      problems: [{ pointer: `/${name}`, message: "is taken beside fields alone" }],
    });
  });

  test("are refused by name of a model that reads none", () => {
    const body = jsonBody({ fields: { a: yes } });
    const message = "are not read by this model: see read in GET /v1/models";
    expect(parseAnswerJson(body, untold)).toEqual({
      ok: false,
      refusal: { kind: "fields_invalid", problems: [{ pointer: "/fields", message }] },
    });
  });
});

describe("fields of an answer", () => {
  test("are told by their names, those of objects too, each by its kind", () => {
    const bodies = fieldBodies([
      {
        name: "__proto__",
        reading: {
          kind: "closed",
          type: "boolean",
          value: true,
          guess: true,
          probabilities: [
            { value: true, probability: 0.9 },
            { value: false, probability: 0.1 },
          ],
          probability: 0.9,
          confidence: 0.9,
          labelMass: 0.5,
          pNone: null,
          abstained: false,
        },
      },
      {
        name: "label",
        reading: {
          kind: "list",
          type: "list",
          items: [
            {
              kind: "open",
              type: "text",
              value: "a",
              probability: 0.5,
              tokenMin: 0.5,
              pNone: null,
              truncated: true,
            },
          ],
          counts: [0, 1],
        },
      },
      { name: "late", reading: { kind: "unfinished", type: "date" } },
    ]);
    expect(JSON.parse(JSON.stringify(bodies))).toEqual(
      JSON.parse(`{
        "__proto__": {"type":"boolean","value":true,"guess":true,"probabilities":[{"value":true,"probability":0.9},{"value":false,"probability":0.1}],"probability":0.9,"confidence":0.9,"label_mass":0.5,"p_none":null,"abstained":false},
        "label": {"type":"list","value":["a"],"items":[{"type":"text","value":"a","probability":0.5,"token_min":0.5,"p_none":null,"truncated":true}],"counts":[0,1]},
        "late": {"type":"date","value":null,"unfinished":true}}`),
    );
    for (const body of Object.values(bodies)) expect(fieldBodySchema.parse(body)).toEqual(body);
  });
});
