import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { emptyStory, failures, story } from "../../../../support/edge-builders.ts";
import { ask, eventReply, functionReplies } from "../../../function-double.ts";
import { pngUri, post } from "../../compatible-calls.ts";
import { asking, eventsOf, path, waitingReply } from "./calls.ts";

beforeEach(() => {
  functionReplies(() => eventReply(story));
});
afterEach(() => vi.restoreAllMocks());

async function errorOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/json");
  return chatErrorSchema.parse(await response.json()).error;
}

describe("POST /v1/responses refuses in OpenAI's shape", () => {
  test.each<[string, object, string, RegExp]>([
    ["tools", { tools: [{ type: "web_search" }] }, "tools", /no tools/],
    ["a tool that must be called", { tool_choice: "required" }, "tool_choice", /no tools/],
    ["reasoning", { reasoning: { effort: "high" } }, "reasoning", /no thoughts/],
    ["audio", { audio: { voice: "x" } }, "audio", /text/],
    ["a conversation", { conversation: "conv_1" }, "conversation", /previous_response_id/],
    ["a prompt kept elsewhere", { prompt: { id: "pmpt_1" } }, "prompt", /instructions/],
    ["truncation", { truncation: "auto" }, "truncation", /nothing is dropped/],
    ["cut-off logits", { temperature: 1, top_p: 0.5 }, "top_p", /temperature/],
    ["log probabilities", { top_logprobs: 3 }, "top_logprobs", /confidence/],
    [
      "them among what is included",
      { include: ["message.output_text.logprobs"] },
      "include.0",
      /confidence/,
    ],
    ["a fetched picture back", { include: ["message.input_image.image_url"] }, "include.0", /back/],
    [
      "any JSON",
      { text: { format: { type: "json_object" } } },
      "text.format.type",
      /without a schema nothing/,
    ],
    ["an unknown field", { seed: 1 }, "seed", /unknown/],
    ["nothing to answer", { input: [] }, "input", /at least 1/],
    ["no input", { input: undefined }, "input", /missing/],
    [
      "the background of what is not stored",
      { background: true, store: false },
      "background",
      /stored/,
    ],
    ["metadata that is no text", { metadata: { a: 1 } }, "metadata.a", /text/],
    ["metadata without end", { metadata: pairs(17) }, "metadata", /16 pairs/],
    ["a temperature that is none", { temperature: 9 }, "temperature", /at most/],
  ])("%s, naming the field", async (_, body, param, sentence) => {
    const response = await post(path, asking("What?", body));
    const error = await errorOf(response);
    expect([response.status, error.code, error.param]).toEqual([400, "invalid_request", param]);
    expect(error.message).toMatch(sentence);
    expect(response.headers.get("x-should-retry")).toBe("false");
  });

  test.each<[string, unknown, string, RegExp]>([
    [
      "a call of a tool",
      { type: "function_call_output", call_id: "c", output: "" },
      "type",
      /tools/,
    ],
    ["thoughts", { type: "reasoning", summary: [] }, "type", /no thoughts/],
    ["a role that is none", { role: "tool", content: "x" }, "role", /role is/],
    [
      "a file",
      { role: "user", content: [{ type: "input_file" }] },
      "content.0.type",
      /input_image/,
    ],
    [
      "a picture of the assistant's",
      { role: "assistant", content: [{ type: "input_image", image_url: pngUri }] },
      "content.0.type",
      /only a message of the user/,
    ],
    [
      "a picture in an object, as chats have it",
      { role: "user", content: [{ type: "input_image", image_url: { url: pngUri } }] },
      "content.0.image_url",
      /text/,
    ],
    [
      "a picture from nowhere",
      { role: "user", content: [{ type: "input_image" }] },
      "content.0",
      /one of/,
    ],
    [
      "base64 alone",
      { role: "user", content: [{ type: "input_image", image_url: pngUri.slice(22) }] },
      "content.0.image_url",
      /base64 alone/,
    ],
    [
      "a picture that is none",
      {
        role: "user",
        content: [
          { type: "input_image", image_url: "data:image/png;base64,%%" },
          { type: "input_text", text: "?" },
        ],
      },
      "content.0.image_url",
      /base64/,
    ],
  ])("%s in the input, naming the item", async (_, item, place, sentence) => {
    const asked = { role: "user", content: "What?" };
    const response = await post(path, { input: [item, asked] });
    const error = await errorOf(response);
    expect([response.status, error.param]).toEqual([400, `input.0.${place}`]);
    expect(error.message).toMatch(sentence);
  });

  test("a message that was never told, naming the item that refers to it", async () => {
    const user = { role: "user", content: "What?" };
    for (const id of ["msg_2000000000000000000000", "msg_", "rs_1"]) {
      const item = { type: "item_reference", id };
      const response = await post(path, { input: [item, user] });
      expect([response.status, await errorOf(response)]).toMatchObject([
        400,
        { code: "previous_response_not_found", param: "input.0.id" },
      ]);
    }
    const many = Array.from({ length: 33 }, () => ({ type: "item_reference", id: "msg_2" }));
    const response = await post(path, { input: [...many, user] });
    expect((await errorOf(response)).message).toMatch(/refers to 33 messages; 32 are the most/);
  });

  test("what their clients have beside and is not served, an id that is none, and no key", async () => {
    const compact = await post(`${path}/compact`, {});
    expect([compact.status, (await errorOf(compact)).code]).toEqual([405, "method_not_allowed"]);
    const nobody = await ask(`${path}/resp_nobody`);
    expect([nobody.status, (await errorOf(nobody)).code]).toEqual([404, "not_found"]);
    const noKey = await post(path, asking(), { authorization: "" });
    expect([noKey.status, (await errorOf(noKey)).type]).toEqual([401, "authentication_error"]);
  });

  test("what the function refuses, whole and at the end of a stream", async () => {
    functionReplies(() => eventReply(emptyStory));
    const whole = await post(path, asking("Empty?"));
    expect([whole.status, (await errorOf(whole)).code]).toEqual([422, "empty_answer"]);
    const events = await eventsOf(await post(path, asking("Empty!", { stream: true })));
    expect(events.at(-1)).toMatchObject({
      type: "response.failed",
      response: { status: "failed", error: { code: "invalid_prompt", type: "empty_answer" } },
    });
    const failed = { kind: "answer.failed", failure: failures.function_timeout } as const;
    functionReplies(() => eventReply([...story.slice(0, 2), failed]));
    const broken = await eventsOf(await post(path, asking("Broken?", { stream: true })));
    expect(broken.at(-1)?.response?.error).toMatchObject({ code: "server_error" });
  });

  test("what failed in the background, where it is shown", async () => {
    functionReplies(() => eventReply(emptyStory));
    const begun = await post(path, asking("Failing?", { background: true }));
    const { id } = (await begun.json()) as { id: string };
    await vi.waitFor(async () => {
      const shown = (await (await ask(`${path}/${id}`)).json()) as object;
      expect(shown).toMatchObject({
        ...{ status: "failed", output: [], usage: null },
        error: { code: "invalid_prompt", message: expect.stringContaining("no text") },
      });
    });
  });

  test.each([
    "",
    "{",
    "[]",
    "null",
    '"x"',
    '{"input":{"0":1}}',
    '{"input":[null]}',
    '{"__proto__":{}}',
  ])("the body %j", async (body) => {
    const response = await post(path, body);
    expect([response.status, (await errorOf(response)).code]).toEqual([400, "invalid_request"]);
  });
});

test("a caller who leaves a stream of a response: the answer is cancelled, unless it is made in the background", async () => {
  for (const background of [false, true]) {
    const { sent } = functionReplies(({ signal }) => waitingReply(signal));
    const body = asking(`Left ${background}?`, { stream: true, background });
    const response = await post(path, body);
    const reader = response.body!.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    await reader.cancel();
    const [, id] = /"id":"(resp_\w+)"/.exec(first) ?? [];
    if (background) {
      expect(await (await ask(`${path}/${id}`)).json()).toMatchObject({ status: "in_progress" });
      expect(sent[0]?.signal.aborted).toBe(false);
      await ask(`${path}/${id}/cancel`, { method: "POST" });
    }
    await vi.waitFor(() => expect(sent[0]?.signal.aborted).toBe(true));
  }
});

function pairs(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
}
