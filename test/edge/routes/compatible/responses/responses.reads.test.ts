import { afterEach, describe, expect, test, vi } from "vitest";
import { decodeOrderHead } from "#wire/function/order.ts";
import { headIn } from "../../../../support/orders.ts";
import { readStory } from "../../../../support/read-stories.ts";
import { eventReply, functionReplies } from "../../../function-double.ts";
import { post } from "../../compatible-calls.ts";
import { asking, create, eventsOf, path, show } from "./calls.ts";

afterEach(() => vi.restoreAllMocks());

const schema = {
  type: "object",
  properties: {
    damaged: { type: "boolean" },
    box: {
      type: "object",
      properties: { kind: { enum: ["vase", "dog"] }, count: { type: "integer" } },
      required: ["kind", "count"],
    },
  },
  required: ["damaged", "box"],
};
const format = { text: { format: { type: "json_schema", name: "it", schema, strict: true } } };
const text = '{"damaged":true,"box":{"kind":"vase","count":-999}}';

/** The function reads whatever it is asked to: what is one of a few in its first pass, the rest in its last. */
function functionReads(): ReturnType<typeof functionReplies> {
  return functionReplies(({ body }) => {
    const head = decodeOrderHead(headIn(body));
    if (!head.ok || head.value.read === undefined) throw new Error("the order names no fields");
    return eventReply(readStory(head.value.read, 2));
  });
}

describe("POST /v1/responses with a JSON Schema as text.format", () => {
  test("answers with the value that it describes, and tells it so whenever it is shown", async () => {
    functionReads();
    const told = await create(asking("Read?", format));
    expect(told).toMatchObject({
      status: "completed",
      output: [{ status: "completed", content: [{ text }] }],
      ...format,
    });
    expect(Object.keys(told.x_unmask.fields ?? {})).toEqual(["damaged", "box.kind", "box.count"]);
    expect(await (await show(told.id)).json()).toEqual(told);
    const again = await eventsOf(await show(`${told.id}?stream=true&starting_after=5`));
    expect(again.map(({ delta = "" }) => delta).join("")).toBe(text.slice(2));
  });

  test("streams the value as it is read, a property at a time", async () => {
    functionReads();
    const events = await eventsOf(
      await post(path, asking("Streamed?", { ...format, stream: true })),
    );
    const deltas = events.flatMap(({ delta }) => (delta === undefined ? [] : [delta]));
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.join("")).toBe(text);
    expect(events.at(-1)?.response?.output[0]?.content[0]?.text).toBe(text);
  });

  test("is gone on from with the value as it was told, by the response and by its message", async () => {
    const { sent } = functionReads();
    const first = await create(asking("First?", format));
    const messages = () => {
      const head = decodeOrderHead(headIn(sent.at(-1)!.body));
      return head.ok ? head.value.messages.map((message) => message.text) : [];
    };
    await create({ input: "Sure?", previous_response_id: first.id, ...format });
    expect(messages()).toEqual(["First?", text, "Sure?"]);
    const item = { type: "item_reference", id: first.output[0]?.id };
    await create({ input: [item, { role: "user", content: "So?" }], ...format });
    expect(messages()).toEqual([text, "So?"]);
  });

  test("is another request than one with another schema under one Idempotency-Key", async () => {
    functionReads();
    const headers = { "idempotency-key": "read-once" };
    const first = await create(asking("Once?", format), headers);
    expect((await create(asking("Once?", format), headers)).id).toBe(first.id);
    const named = { text: { format: { ...format.text.format, name: "other" } } };
    expect((await post(path, asking("Once?", named), headers)).status).toBe(422);
  });
});
