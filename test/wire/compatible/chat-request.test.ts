import { describe, expect, test } from "vitest";
import { parseChat } from "#wire/compatible/chat-request.ts";
import { jsonBody, shown } from "../../support/bodies.ts";
import { pngBytes, untold } from "../../support/edge-builders.ts";

const dataUri = `data:image/png;base64,${Buffer.from(pngBytes).toString("base64")}`;
const user = (content: unknown) => ({ role: "user", content });

function parse(body: object, card = untold): ReturnType<typeof parseChat> {
  return parseChat(jsonBody(body), card);
}

function read(body: object, card = untold) {
  const chat = parse({ messages: [user("What?")], ...body }, card);
  if (!chat.ok) throw new Error(JSON.stringify(chat.refusal));
  return chat.value;
}

function problems(body: object) {
  const chat = parse({ messages: [user("What?")], ...body });
  if (chat.ok || chat.refusal.kind !== "invalid_request") throw new Error("it was not refused");
  return chat.refusal.problems;
}

describe("a chat is read as a question", () => {
  test("with its roles and texts; developer is system, text parts are lines", () => {
    const { request } = read({
      messages: [
        { role: "developer", content: "Be short." },
        user([
          { type: "text", text: "Look." },
          { type: "text", text: "What is it?" },
        ]),
        { role: "assistant", content: "A cat." },
        user("Sure?"),
      ],
    });
    expect(request.messages).toEqual([
      { role: "system", text: "Be short." },
      { role: "user", text: "Look.\nWhat is it?" },
      { role: "assistant", text: "A cat." },
      { role: "user", text: "Sure?" },
    ]);
  });

  test("with what clients send back of earlier turns: nothing said, null, a refusal, a picture alone, detail null", () => {
    const picture = { type: "image_url", image_url: { url: dataUri, detail: null } };
    const { request } = read({
      messages: [
        { role: "system", content: "" },
        user([picture]),
        { role: "assistant", content: null, tool_calls: [] },
        { role: "assistant", content: "" },
        { role: "assistant" },
        user(""),
        { role: "assistant", content: [] },
        { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
        user([{ type: "text", text: "And this?" }, picture]),
      ],
    });
    expect(request.messages).toEqual([
      { role: "user", text: "", pictures: 1 },
      { role: "assistant", text: "No." },
      { role: "user", text: "And this?", pictures: 1 },
    ]);
    expect(request.options.detail).toBe("auto");
  });

  test.each([
    ["raw base64", Buffer.from(pngBytes).toString("base64"), /^is base64 alone: write data:/],
    ["a file's name", "dog.png", /neither a data URI nor an https address/],
    ["nothing", " ", /^is empty/],
    ["too long an address", `https://a.test/${"x".repeat(3000)}`, /2048 characters/],
  ])("and says what is wrong with a picture that is %s", (_, url, message) => {
    const part = { type: "image_url", image_url: { url } };
    expect(problems({ messages: [user([{ type: "text", text: "?" }, part])] })).toEqual([
      { pointer: "/messages/0/content/1/image_url/url", message: expect.stringMatching(message) },
    ]);
  });

  test("with its pictures in their order, wherever they stand; low detail only where all are low", () => {
    const image = (url: string, detail?: string) => ({
      type: "image_url",
      image_url: { url, detail },
    });
    const [low, high] = [image(dataUri, "low"), image("https://pictures.test/a.png", "high")];
    const text = { type: "text", text: "?" };
    const two = read({ messages: [user([low, text]), user([high, text])] }).request;
    expect(two.messages.map(({ pictures }) => pictures)).toEqual([1, 1]);
    expect(shown(two.pictures)).toEqual([
      { kind: "file", bytes: pngBytes },
      { kind: "url", url: "https://pictures.test/a.png" },
    ]);
    expect(two.options.detail).toBe("auto");
    expect(read({ messages: [user([low, text])] }).request.options.detail).toBe("low");
  });

  test.each([
    [{ max_completion_tokens: 20 }, { canvas: 20, steps: 20 }],
    [{ max_tokens: 9 }, { canvas: 9 }],
    [{ max_completion_tokens: 16, max_tokens: 9 }, { canvas: 16 }],
    [{ max_tokens: 1e6 }, { canvas: 128, steps: 128 }],
    [{ max_tokens: 4096, x_unmask: { canvas: 16 } }, { canvas: 16 }],
    [{ max_tokens: 200, x_unmask: { canvas: 256 } }, { canvas: 200 }],
    [{ x_unmask: { canvas: 256 } }, { canvas: 256 }],
    [{}, { canvas: 32, temperature: 0, seed: 0 }],
    [
      { temperature: 0.5, seed: 7, stop: ["."] },
      { temperature: 0.5, seed: 7, stop: ["."] },
    ],
    [{}, { mode: "cached", refresh: 4 }],
    [{ x_unmask: { mode: "fast" } }, { mode: "fast", refresh: 8 }],
    [{ x_unmask: { refresh: 2 } }, { mode: "cached", refresh: 2 }],
    [
      { max_tokens: 16, x_unmask: { steps: 4, block_length: 8 } },
      { steps: 4, blockLength: 8 },
    ],
  ])("with its options: %j", (body, options) => {
    expect(read(body).request.options).toMatchObject(options);
  });

  test("past everything that asks for nothing: null, what OpenAI's clients always send, harmless values", () => {
    const harmless = {
      ...{ n: 1, top_p: 1, presence_penalty: 0, frequency_penalty: 0, logit_bias: {}, tools: [] },
      ...{
        logprobs: false,
        top_logprobs: null,
        tool_choice: "auto",
        response_format: { type: "text" },
      },
      ...{ user: "u", store: false, metadata: { a: "b" }, stop: null, max_tokens: null },
    };
    expect(read(harmless).request.options.canvas).toBe(32);
  });

  test.each([
    // lmms-eval's tasks and VLMEvalKit's clients.
    { temperature: 0, top_p: 0 },
    { temperature: 0, top_p: 0.001, n: 1, max_tokens: 16384 },
    { top_p: 0.95, top_k: 20, min_p: 0.05 },
    { temperature: null, top_k: 1 },
    { temperature: 0.7, top_p: 1, top_k: -1, min_p: 0, repetition_penalty: 1 },
    { chat_template_kwargs: {} },
  ])(
    "past what says how to draw tokens where none is drawn, and what other servers' clients send by default: %j",
    (body) => {
      expect(read(body).request.options.temperature).toBe(
        "temperature" in body ? (body.temperature ?? 0) : 0,
      );
    },
  );

  test("with the places of what is refused later: pictures that are too much together stand in the messages", () => {
    const { placeOf } = read({});
    expect(["/images", "/retention/answer_seconds", "/model"].map(placeOf)).toEqual([
      ...["/messages", "/x_unmask/retention/answer_seconds", "/model"],
    ]);
  });

  test("with how it wants to hear the answer", () => {
    expect(read({ stream: true, stream_options: { include_usage: true } })).toMatchObject({
      wantsStream: true,
      wantsUsage: true,
    });
    expect(read({})).toMatchObject({ wantsStream: false, wantsUsage: false });
  });
});

describe("a chat is refused", () => {
  test.each([
    ["n", 2],
    ["tools", [{ type: "function" }]],
    ["functions", [{ name: "f" }]],
    ["tool_choice", "required"],
    ["response_format", { type: "json_object" }],
    ["logprobs", true],
    ["top_logprobs", 3],
    ["logit_bias", { 5: 100 }],
    ["frequency_penalty", 0.1],
    ["presence_penalty", -1],
    ["top_p", 1.1],
    ["top_k", -2],
    ["min_p", 2],
    ["repetition_penalty", 1.05],
    ["chat_template_kwargs", { enable_thinking: false }],
    ["modalities", ["text", "audio"]],
    ["audio", { voice: "alloy" }],
    ["prediction", { type: "content", content: "x" }],
    ["web_search_options", {}],
  ])("with a sentence where diffusion cannot do it: %s", (name, value) => {
    const [problem, ...others] = problems({ [name]: value });
    expect(problem).toMatchObject({ pointer: `/${name}` });
    expect(problem?.message.length).toBeGreaterThan(15);
    expect(others).toEqual([]);
  });

  test.each([
    [{ temperature: 0.7, top_p: 0.9 }, "/top_p"],
    [{ temperature: 0.7, top_k: 20 }, "/top_k"],
    [{ temperature: 0.7, min_p: 0.1 }, "/min_p"],
    [{ x_unmask: { temperature: 0.7 }, top_p: 0.9 }, "/top_p"],
  ])("where tokens are drawn, and it would cut some off: %j", (body, pointer) => {
    expect(problems(body)).toEqual([
      { pointer, message: expect.stringContaining("send temperature 0") },
    ]);
  });

  test.each([
    [{ colour: "red" }, "/colour"],
    [{ messages: [] }, "/messages"],
    [{ messages: [{ role: "tool", content: "x" }] }, "/messages/0/role"],
    [{ messages: [user("?"), { role: "assistant", content: "!" }] }, "/messages/1/role"],
    [{ messages: [user([{ type: "input_audio" }])] }, "/messages/0/content/0/type"],
    [
      {
        messages: [
          user([
            { type: "text", text: "?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,!" } },
          ]),
        ],
      },
      "/messages/0/content/1/image_url/url",
    ],
    [{ temperature: 3 }, "/temperature"],
    [{ max_tokens: 0 }, "/max_tokens"],
    [{ seed: -1 }, "/seed"],
    [{ x_unmask: { colour: "red" } }, "/x_unmask/colour"],
    [{ x_unmask: { canvas: 513 } }, "/x_unmask/canvas"],
    [{ max_tokens: 8, x_unmask: { canvas: "9" } }, "/x_unmask/canvas"],
    [{ x_unmask: { steps: 64 } }, "/x_unmask/steps"],
  ])("where a field is wrong, by its name in the chat: %j", (body, pointer) => {
    expect(problems(body)[0]?.pointer).toBe(pointer);
  });

  test.each(["[]", "null", "3", "{", ""])("where it is no object: %s", (text) => {
    expect(parseChat(jsonBody(new TextEncoder().encode(text)), untold).ok).toBe(false);
  });
});
