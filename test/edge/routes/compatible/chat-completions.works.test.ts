import { afterEach, describe, expect, test, vi } from "vitest";
import { chatCompletionSchema } from "#wire/compatible/chat-reply.ts";
import { story } from "../../../support/edge-builders.ts";
import { readOrderBody } from "../../../support/orders.ts";
import { eventReply, functionReplies } from "../../function-double.ts";
import { chat, dataOf, post } from "../compatible-calls.ts";

afterEach(() => vi.restoreAllMocks());

const path = "/v1/chat/completions";

describe("POST /v1/chat/completions", () => {
  test("answers with a chat completion that counts the picture and says what it cost", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const response = await post(path, chat());
    const body = chatCompletionSchema.parse(await response.json());
    expect(body.choices[0].message.content).toBe("A red square.");
    // All four positions are used: there was no room for an end.
    expect(body.choices[0].finish_reason).toBe("length");
    expect(body.usage).toEqual({ prompt_tokens: 760, completion_tokens: 4, total_tokens: 764 });
    expect(body.x_unmask).toMatchObject({ status: "completed", digest: "cd".repeat(32) });
    expect(body.x_unmask.charged_micros).toBeGreaterThan(0);
    const work = readOrderBody(sent.at(-1)!.body);
    expect(work).toMatchObject({ ok: true, value: { options: { canvas: 4 } } });
  });

  test("takes max_tokens for a ceiling: the canvas is no longer than the model was trained for", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    for (const tokens of [{ max_tokens: 4096 }, { max_tokens: null, max_completion_tokens: 512 }]) {
      await post(path, chat({ ...tokens, x_unmask: { cache: "off" } }));
      const work = readOrderBody(sent.at(-1)!.body);
      expect(work).toMatchObject({ value: { options: { canvas: 32, steps: 32 } } });
    }
  });

  test("drops a system message for a model that knows none, and says so at the end of a stream too", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const { messages } = chat() as { messages: object[] };
    const asked = chat({
      messages: [{ role: "system", content: "Answer in German." }, ...messages],
      x_unmask: { cache: "off" },
    });
    const body = chatCompletionSchema.parse(await (await post(path, asked)).json());
    expect(body.x_unmask.warnings).toMatchObject([{ code: "system_message_dropped" }]);
    const work = readOrderBody(sent.at(-1)!.body);
    expect(work).toMatchObject({ value: { messages: [{ role: "user", text: "What is this?" }] } });
    const data = await dataOf(await post(path, { ...asked, stream: true }));
    const last = data.map((text) => (text === "[DONE]" ? {} : JSON.parse(text))).at(-2);
    expect(last.x_unmask.warnings).toEqual(body.x_unmask.warnings);
  });

  test("asks with each picture in the message that brought it", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const { messages } = chat() as { messages: object[] };
    await post(
      path,
      chat({ messages: [...messages, { role: "assistant", content: "A dog." }, ...messages] }),
    );
    const work = readOrderBody(sent.at(-1)!.body);
    expect(work).toMatchObject({
      value: { messages: [{ pictures: 1 }, { role: "assistant" }, { pictures: 1 }] },
    });
  });

  test("streams only text that is final, then why it ended, the usage, and [DONE]", async () => {
    functionReplies(() => eventReply(story));
    const response = await post(
      path,
      chat({ stream: true, stream_options: { include_usage: true } }),
    );
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const data = await dataOf(response);
    expect(data.pop()).toBe("[DONE]");
    const chunks = data.map((text) => JSON.parse(text));
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: "assistant", content: "" },
      { content: "A red square." },
      {},
      undefined,
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([
      null,
      null,
      "length",
      undefined,
    ]);
    expect(chunks.map(({ usage }) => usage?.total_tokens)).toEqual([
      undefined,
      undefined,
      undefined,
      764,
    ]);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  test("is charged once under an Idempotency-Key, streamed or not", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const headers = { "idempotency-key": "chat-once" };
    const first = chatCompletionSchema.parse(await (await post(path, chat(), headers)).json());
    const again = await post(path, chat({ stream: true }), headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    const chunks = await dataOf(again);
    expect(JSON.parse(chunks[0]!).id).toBe(first.id);
    expect(orders).toHaveLength(1);
  });
});
