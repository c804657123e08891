import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { quoteSchema } from "#wire/api/answers/quotes.ts";
import { chatCompletionSchema, chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { decodeOrderHead } from "#wire/function/order.ts";
import { headIn } from "../../../support/orders.ts";
import { readStory } from "../../../support/read-stories.ts";
import { eventReply, functionReplies } from "../../function-double.ts";
import { chat, dataOf, post } from "../compatible-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const path = "/v1/chat/completions";

const schema = {
  type: "object",
  properties: {
    label: { type: "string", maxLength: 4 },
    damaged: { type: "boolean" },
    box: {
      type: "object",
      properties: { kind: { enum: ["vase", "dog"] }, count: { type: "integer" } },
      required: ["kind", "count"],
    },
  },
  required: ["label", "damaged", "box"],
};
const format = { response_format: { type: "json_schema", json_schema: { name: "it", schema } } };
const forced = {
  tools: [{ type: "function", function: { name: "it", parameters: schema } }],
  tool_choice: { type: "function", function: { name: "it" } },
};
const text = '{"label":"as w","damaged":true,"box":{"kind":"vase","count":-999}}';

/** The function reads whatever it is asked to: what is one of a few in its first pass, the rest in its last. */
function functionReads(): ReturnType<typeof functionReplies> {
  return functionReplies(({ body }) => {
    const head = decodeOrderHead(headIn(body));
    if (!head.ok || head.value.read === undefined) throw new Error("the order names no fields");
    return eventReply(readStory(head.value.read, 2));
  });
}

let seed = 0;
/** A chat that no other test has asked. */
function fresh(body: object): object {
  seed += 1;
  const { messages } = chat() as { messages: { content: { text?: string }[] }[] };
  messages[0]!.content[0]!.text = `Look, ${seed}.`;
  return { messages, ...body };
}

async function completion(body: object) {
  const response = await post(path, body);
  const told: unknown = await response.json();
  expect(response.status, JSON.stringify(told)).toBe(200);
  return chatCompletionSchema.parse(told);
}

describe("POST /v1/chat/completions with a JSON Schema", () => {
  test("answers with the value that it describes, its probabilities beside it, and what was assumed", async () => {
    functionReads();
    const { choices, usage, x_unmask } = await completion(fresh(format));
    expect(choices[0]).toEqual({
      index: 0,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: null,
      finish_reason: "stop",
    });
    expect(usage.prompt_tokens).toBe(100);
    expect(Object.keys(x_unmask.fields ?? {})).toEqual([
      ...["label", "damaged", "box.kind", "box.count"],
    ]);
    expect(x_unmask.fields?.["box.kind"]).toMatchObject({
      probabilities: [{ value: "vase", probability: 0.75 }, { value: "dog" }],
    });
    expect(x_unmask.warnings).toMatchObject([
      { code: "schema_bounds_assumed", message: expect.stringContaining("-999 to 9999") },
    ]);
  });

  test("calls the function that is forced: named it ends with stop, required with tool_calls", async () => {
    functionReads();
    const asked = fresh(forced);
    const [named] = (await completion(asked)).choices;
    expect(named).toMatchObject({
      message: {
        content: null,
        tool_calls: [
          { id: expect.stringMatching(/^call_ans_/), function: { name: "it", arguments: text } },
        ],
      },
      finish_reason: "stop",
    });
    const [required] = (await completion({ ...asked, tool_choice: "required" })).choices;
    expect(required.finish_reason).toBe("tool_calls");
  });

  test("streams text that only grows, in the order of the schema, whatever is read first", async () => {
    functionReads();
    const data = await dataOf(
      await post(path, fresh({ ...format, stream: true, stream_options: { include_usage: true } })),
    );
    expect(data.pop()).toBe("[DONE]");
    const chunks = data.map((line) => JSON.parse(line));
    const pieces = chunks.map(({ choices }) => choices[0]?.delta.content ?? "");
    expect(pieces.join("")).toBe(text);
    expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(1);
    expect(chunks.at(-2)).toMatchObject({
      choices: [{ finish_reason: "stop" }],
      x_unmask: { fields: { damaged: { value: true } } },
    });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 100 } });
  });

  test("streams a call: its name, then its arguments", async () => {
    functionReads();
    const data = await dataOf(await post(path, fresh({ ...forced, stream: true })));
    const chunks = data.slice(0, -1).map((line) => JSON.parse(line));
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(calls[0]).toMatchObject({ index: 0, type: "function", function: { name: "it" } });
    expect(calls.map((call) => call.function.arguments).join("")).toBe(text);
    expect(calls.slice(1).every((call) => call.id === undefined)).toBe(true);
  });

  test("is told the same from the cache and under a repeated key, at once or streamed", async () => {
    const { orders } = functionReads();
    const headers = { "idempotency-key": "chat-reads-once" };
    const asked = fresh(format);
    const first = chatCompletionSchema.parse(await (await post(path, asked, headers)).json());
    const again = await dataOf(await post(path, { ...asked, stream: true }, headers));
    const told = again.slice(0, -1).map((line) => JSON.parse(line));
    expect(told[0].id).toBe(first.id);
    expect(told.map(({ choices }) => choices[0]?.delta.content ?? "").join("")).toBe(text);
    expect(orders).toHaveLength(1);
  });

  test("is quoted as it would be sent, and charged that", async () => {
    functionReads();
    const asked = fresh({ ...format, x_unmask: { cache: "off" } });
    const quote = quoteSchema.parse(await (await post("/v1/quotes", asked)).json());
    expect(quote.warnings).toMatchObject([{ code: "schema_bounds_assumed" }]);
    const { x_unmask } = await completion(asked);
    expect(x_unmask.charged_micros).toBe(quote.price_micros);
  });

  test("is refused with the place in the chat and a code, before any work", async () => {
    const { orders } = functionReads();
    const strange = structuredClone(format) as {
      response_format: { json_schema: { schema: object } };
    };
    strange.response_format.json_schema.schema = {
      type: "object",
      properties: { word: { type: "string", pattern: "^a" } },
    };
    const response = await post(path, fresh(strange));
    expect(response.status).toBe(400);
    expect(chatErrorSchema.parse(await response.json()).error).toMatchObject({
      code: "schema_unsupported",
      param: "response_format.json_schema.schema.properties.word.pattern",
      message: expect.stringContaining("enum"),
    });
    const quoted = await post("/v1/quotes", fresh(strange));
    expect([quoted.status, await quoted.json()]).toMatchObject([
      400,
      { code: "schema_unsupported" },
    ]);
    expect(orders).toEqual([]);
  });
});
