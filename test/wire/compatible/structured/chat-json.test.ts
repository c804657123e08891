import { describe, expect, test } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { UNTOLD_READ_STYLE } from "#domain/read-style.ts";
import { parseChat } from "#wire/compatible/chat-request.ts";
import { jsonBody } from "../../../support/bodies.ts";
import { untold } from "../../../support/edge-builders.ts";

const schema = {
  type: "object",
  properties: {
    dog: { type: "boolean", description: "Is it a dog?" },
    box: { $ref: "#/$defs/box" },
  },
  required: ["dog", "box"],
  additionalProperties: false,
  $defs: {
    box: { type: "object", properties: { color: { enum: ["red", "blue"] } }, required: ["color"] },
  },
};
const format = (own: unknown = schema, more: object = {}): object => ({
  response_format: {
    type: "json_schema",
    json_schema: { name: "it", strict: true, schema: own, ...more },
  },
});
const tool = (more: object = {}): object => ({
  type: "function",
  function: { name: "it", parameters: schema, ...more },
});
const named = { type: "function", function: { name: "it" } };

function parse(body: object): ReturnType<typeof parseChat> {
  const messages = [{ role: "user", content: "Look." }];
  return parseChat(jsonBody({ messages, ...body }), { ...untold, read: UNTOLD_READ_STYLE });
}

function read(body: object) {
  const chat = parse(body);
  if (!chat.ok) throw new Error(JSON.stringify(chat.refusal));
  return chat.value;
}

function refusal(body: object): Failure {
  const chat = parse(body);
  if (chat.ok) throw new Error("it was not refused");
  return chat.refusal;
}

describe("a chat that wants JSON", () => {
  test.each<[string, object, object | undefined]>([
    ["a response_format", format(), undefined],
    [
      "the parameters of the function that is named",
      { tools: [tool()], tool_choice: named },
      { name: "it", isNamed: true },
    ],
    [
      "the parameters of the one function, where some is required",
      { tools: [tool({ strict: true })], tool_choice: "required", parallel_tool_calls: false },
      { name: "it", isNamed: false },
    ],
  ])("is read as the fields of its schema: %s", (_, body, call) => {
    const { request, json } = read(body);
    expect(request.read).toEqual({
      fields: [
        { name: "dog", field: { type: "boolean", instructions: "Is it a dog?" } },
        {
          name: "box.color",
          field: {
            ...{ type: "choice", instructions: "box: What is the color?", none: false },
            options: [{ value: "red" }, { value: "blue" }],
          },
        },
      ],
      ...{ abstainBelow: 0, onTruncate: "keep" },
    });
    expect(json?.call).toEqual(call);
    expect(json?.shape.properties.map(({ name }) => name)).toEqual(["dog", "box"]);
  });

  test("may leave its question empty, as long as it shows something or not", () => {
    const messages = [{ role: "user", content: [] }];
    expect(read({ ...format(), messages }).request.messages).toEqual([{ role: "user", text: "" }]);
  });

  test("says before its last text what its schema says of itself, once, and not what libraries say for nobody", () => {
    const text = (body: object): unknown => read(body).request.messages.at(-1)?.text;
    const own = { ...schema, description: "A box." };
    expect(text(format(own, { description: "A box." }))).toBe("A box.\nLook.");
    const nothing = [{ role: "user", content: [] }];
    expect(text({ ...format(own), messages: nothing })).toBe("A box.");
    expect(text(format(own, { description: "For a shop." }))).toBe("For a shop.\nA box.\nLook.");
    for (const description of [
      "Correctly extracted `Item` with all the required parameters with correct types",
      "Correctly Formatted and Extracted Response.",
      "Correct segmentation of `Box` tasks",
      "The final response which ends this conversation",
    ])
      expect(text({ tools: [tool({ description })], tool_choice: named })).toBe("Look.");
  });

  test("may say how it is read in x_unmask; a ceiling of tokens says nothing", () => {
    const { request } = read({
      ...format(),
      max_tokens: 9,
      max_completion_tokens: 4096,
      x_unmask: { abstain_below: 0.7, passes: 3, on_truncate: "widen", deadline_ms: 500 },
    });
    expect(request.read).toMatchObject({ abstainBelow: 0.7, openPasses: 3, onTruncate: "widen" });
    expect(request.deadlineMs).toBe(500);
  });

  test("is warned of what its schema leaves open", () => {
    const open = { type: "object", properties: { count: { type: "integer" } } };
    expect(read(format(open)).request.warnings).toEqual([
      {
        kind: "schema_bounds_assumed",
        bounds: ["/properties/count is read from -999 to 9999"],
      },
    ]);
    expect(read(format()).request.warnings).toEqual([]);
  });

  test("may say how an earlier reading was received, as instructor does where a check of its caller's fails", () => {
    const { request } = read({
      ...{ tools: [tool()], tool_choice: named },
      messages: [
        { role: "user", content: "Look." },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "call_1", type: "function", function: { name: "it", arguments: '{"dog":true}' } },
          ],
        },
        { role: "tool", tool_call_id: "call_1", name: "it", content: "No dogs today." },
      ],
    });
    expect(request.messages).toEqual([
      { role: "user", text: "Look." },
      { role: "assistant", text: '{"dog":true}' },
      { role: "user", text: "No dogs today." },
    ]);
  });
});

describe("a chat that wants JSON is refused", () => {
  const at = "/response_format/json_schema/schema";
  const strange = { type: "object", properties: { "a/b": { type: "string", pattern: "x" } } };

  test("where its schema cannot be read, by the place in the chat", () => {
    expect(refusal(format(strange))).toMatchObject({
      kind: "schema_unsupported",
      problems: [{ pointer: `${at}/properties/a~1b/pattern` }],
    });
    const tools = [tool({ parameters: strange })];
    expect(refusal({ tools, tool_choice: "required" })).toMatchObject({
      kind: "schema_unsupported",
      problems: [{ pointer: "/tools/0/function/parameters/properties/a~1b/pattern" }],
    });
  });

  test("where its options look the same, or are too much, with the codes of fields", () => {
    const options = (values: readonly string[]): object =>
      format({ type: "object", properties: { a: { enum: values } } });
    expect(refusal(options(["\u00e9", "e\u0301"]))).toMatchObject({
      kind: "field_options_collide",
      problems: [{ pointer: `${at}/properties/a` }],
    });
    const long = Array.from({ length: 200 }, (_, index) => `${"x".repeat(190)} ${index}`);
    expect(refusal(options(long)).kind).toBe("fields_too_large");
  });

  test.each<[string, object, string, RegExp]>([
    [
      "json_object",
      { response_format: { type: "json_object" } },
      "/response_format",
      /send a schema/,
    ],
    [
      "another form",
      { response_format: { type: "grammar" } },
      "/response_format/type",
      /text or json_schema/,
    ],
    [
      "no schema",
      { response_format: { type: "json_schema", json_schema: { name: "a" } } },
      "/response_format/json_schema/schema",
      /missing/,
    ],
    ["tools that it does not force", { tools: [tool()] }, "/tools", /force it with tool_choice/],
    ["tools that may be called", { tools: [tool()], tool_choice: "auto" }, "/tools", /force it/],
    [
      "several tools",
      { tools: [tool(), tool()], tool_choice: "required" },
      "/tools",
      /one function/,
    ],
    [
      "another function",
      { tools: [tool()], tool_choice: { type: "function", function: { name: "other" } } },
      "/tool_choice/function/name",
      /no function of tools/,
    ],
    ["a choice without tools", { tool_choice: "required" }, "/tool_choice", /tools has none/],
    [
      "both ways",
      { ...format(), tools: [tool()], tool_choice: "required" },
      "/response_format",
      /either of them/,
    ],
    ["drawing lots", { ...format(), temperature: 0.7 }, "/temperature", /without drawing lots/],
    ["stop texts", { ...format(), stop: "x" }, "/stop", /ends by itself/],
    [
      "a canvas",
      { ...format(), x_unmask: { canvas: 8 } },
      "/x_unmask/canvas",
      /not taken beside fields/,
    ],
    [
      "fields beside the schema",
      { ...format(), x_unmask: { fields: {} } },
      "/x_unmask/fields",
      /no option/,
    ],
    ["several answers", { ...format(), n: 2 }, "/n", /one answer/],
    [
      "a function's word where none is forced",
      {
        messages: [
          { role: "user", content: "?" },
          { role: "tool", content: "x" },
        ],
      },
      "/messages/1/role",
      /calls no tools/,
    ],
  ])("with the field and a sentence: %s", (_, body, pointer, message) => {
    expect(refusal(body)).toEqual({
      kind: "invalid_request",
      problems: [{ pointer, message: expect.stringMatching(message) }],
    });
  });

  test.each([null, [], "x", 3])("where what should be a schema is %j", (own) => {
    expect(refusal(format(own))).toMatchObject({
      kind: "invalid_request",
      problems: [{ pointer: at }],
    });
  });
});
