import { describe, expect, test } from "vitest";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import type { AnswerBody } from "#wire/api/answers/responses.ts";
import { placesOf } from "#wire/compatible/responses/response-format.ts";
import { responseBody } from "#wire/compatible/responses/response-reply.ts";
import { parseResponse, responseRequest } from "#wire/compatible/responses/response-request.ts";
import { untoldTerms } from "#wire/compatible/responses/response-terms.ts";
import { jsonBody } from "../../../support/bodies.ts";
import { untold } from "../../../support/edge-builders.ts";

const schema = {
  type: "object",
  description: "What is on the table.",
  properties: {
    dog: { type: "boolean" },
    color: { enum: ["red", 7] },
    many: { type: "array", items: { enum: ["a", "b"] }, maxItems: 2 },
  },
  required: ["dog", "color", "many"],
  additionalProperties: false,
};

const formatOf = (own: unknown): object => ({
  text: { format: { type: "json_schema", name: "table", strict: true, schema: own } },
});

function parse(body: object) {
  const sent = jsonBody({ input: "Look.", ...body });
  const parsed = parseResponse(sent);
  const card = { ...untold, read: UNTOLD_READ_STYLE };
  return parsed.ok ? responseRequest(parsed.value, { card, sent }) : parsed;
}

function read(body: object) {
  const response = parse(body);
  if (!response.ok) throw new Error(JSON.stringify(response.refusal));
  return response.value;
}

describe("a response that wants a schema's value", () => {
  test("is read as the fields of its schema, which is kept with it; a ceiling of tokens says nothing", () => {
    const { request, terms } = read({ ...formatOf(schema), max_output_tokens: 1 });
    expect(request.read?.fields.map(({ name, field }) => [name, field.type])).toEqual([
      ["dog", "boolean"],
      ["color", "choice"],
      ["many", "list"],
    ]);
    expect(request.messages).toEqual([{ role: "user", text: "What is on the table.\nLook." }]);
    expect(terms.format?.format).toMatchObject({ name: "table", schema });
    expect(terms.maxOutputTokens).toBe(1);
  });

  test("goes on with what was asked before: the schema stands with what is asked now", () => {
    const sent = jsonBody({ input: "Look.", previous_response_id: "resp_1", ...formatOf(schema) });
    const parsed = parseResponse(sent);
    if (!parsed.ok) throw new Error("it is refused");
    const messages = [
      { role: "user", text: "What?" },
      { role: "assistant", text: "A dog." },
    ] as const;
    const turns = { messages, pictures: 1, detail: "auto" } as const;
    const card = { ...untold, read: UNTOLD_READ_STYLE };
    const response = responseRequest(parsed.value, { card, sent }, { turns });
    expect(response.ok && response.value.request.messages).toMatchObject([
      { text: "What?" },
      { text: "A dog." },
      { text: "What is on the table.\nLook." },
    ]);
  });

  test.each<[string, object, string, string]>([
    [
      "what no canvas can hold",
      formatOf({
        ...schema,
        properties: { dog: { type: "string", pattern: "^a+$" } },
        required: ["dog"],
      }),
      "schema_unsupported",
      "/text/format/schema/properties/dog/pattern",
    ],
    [
      "a schema of no object",
      formatOf({ type: "string" }),
      "schema_unsupported",
      "/text/format/schema",
    ],
    [
      "no schema",
      { text: { format: { type: "json_object" } } },
      "invalid_request",
      "/text/format/type",
    ],
    [
      "a name that is none",
      { text: { format: { type: "json_schema", name: "a b", schema } } },
      "invalid_request",
      "/text/format/name",
    ],
    [
      "what is asked, among its options",
      { ...formatOf(schema), x_unmask: { fields: {} } },
      "invalid_request",
      "/x_unmask/fields",
    ],
    [
      "noise, which reading has none of",
      { ...formatOf(schema), temperature: 1 },
      "invalid_request",
      "/temperature",
    ],
  ])("is refused where it was sent: %s", (_, body, kind, pointer) => {
    const response = parse(body);
    if (response.ok || !("problems" in response.refusal)) throw new Error("it is not refused");
    expect([response.refusal.kind, response.refusal.problems[0]?.pointer]).toEqual([kind, pointer]);
  });

  test("is told as the value that the schema describes, and is incomplete where a deadline cut it off", () => {
    const { terms } = read(formatOf(schema));
    const told = { terms, instructions: null, isStored: true };
    const whole = responseBody(answered(fields), told);
    expect(whole.status).toBe("completed");
    expect(JSON.parse(whole.output[0]?.content[0]?.text ?? "")).toEqual({
      ...{ dog: true, color: 7, many: ["b"] },
    });
    expect(whole.text.format).toMatchObject({ type: "json_schema", name: "table" });
    const cut = { type: "list", value: null, unfinished: true };
    const partial = responseBody(answered({ ...fields, many: cut }), told);
    expect([partial.status, partial.output[0]?.content[0]?.text]).toEqual([
      "incomplete",
      '{"dog":true,"color":7',
    ]);
    expect(responseBody(answered(fields), { ...told, terms: untoldTerms }).output).toMatchObject([
      { content: [{ text: "{}" }] },
    ]);
  });
});

test("what is refused once a response was read is told where its body has it", () => {
  expect(["/images", "/retention/answer_seconds"].map(placesOf(undefined))).toEqual([
    ...["/input", "/x_unmask/retention/answer_seconds"],
  ]);
});

const fields = {
  dog: { type: "boolean", value: true, guess: true },
  color: { type: "choice", value: "7", guess: "7" },
  many: { type: "list", value: ["b"], items: [{ type: "choice", value: "b", guess: "b" }] },
};

function answered(told: object): AnswerBody {
  const body = {
    ...{ id: "ans_2a", object: "answer", status: "completed", answer: "{}", confidence: 1 },
    ...{ in_domain: null, domain_score: null, abstained: false, abstention: null },
    ...{ model: "m", model_digest: null, numerics: null, restarts: 0, digest: null, cached: false },
    usage: {
      ...{ image_vectors: 0, cached_image_vectors: 0, prompt_length: 9, canvas: 32, steps: 1 },
      ...{ forward_passes: 1, refreshes: 1, rows: 41 },
    },
    charged_micros: 1,
    ...{ created_at: "2026-01-01T00:00:00.000Z", ended_at: "2026-01-01T00:00:01.000Z" },
    ...{ tokens: [], error: null, warnings: [], fields: told },
  };
  return body as AnswerBody;
}
