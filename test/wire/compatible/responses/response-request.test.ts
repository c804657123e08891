import { describe, expect, test } from "vitest";
import {
  parseResponse,
  type Recalled,
  responseRequest,
} from "#wire/compatible/responses/response-request.ts";
import { MAX_IMAGES, MAX_MESSAGES } from "#wire/limits.ts";
import { jsonBody } from "../../../support/bodies.ts";
import { pngBytes, untold } from "../../../support/edge-builders.ts";

const dataUri = `data:image/png;base64,${Buffer.from(pngBytes).toString("base64")}`;
const user = (content: unknown) => ({ role: "user", content });
const shown = (detail?: string) => ({ type: "input_image", image_url: dataUri, detail });
const said = (text: string) => ({ type: "input_text", text });

function parse(body: object, recalled?: Recalled) {
  const sent = jsonBody(body);
  const parsed = parseResponse(sent);
  return parsed.ok ? responseRequest(parsed.value, { card: untold, sent }, recalled) : parsed;
}

function read(body: object, recalled?: Recalled) {
  const response = parse({ input: "What?", ...body }, recalled);
  if (!response.ok) throw new Error(JSON.stringify(response.refusal));
  return response.value;
}

function problems(body: object, recalled?: Recalled) {
  const response = parse({ input: "What?", ...body }, recalled);
  if (response.ok || response.refusal.kind !== "invalid_request")
    throw new Error("it was not refused");
  return response.refusal.problems;
}

const turns = {
  messages: [
    { role: "user", text: "What?" },
    { role: "assistant", text: "A dog." },
  ],
  pictures: 1,
  detail: "low",
} as const;

describe("a response is read as a question", () => {
  test("with its instructions first, developer as system, and text parts as lines", () => {
    const { request, terms } = read({
      instructions: "Be short.",
      input: [
        { role: "developer", content: "Be kind." },
        user([said("Look."), said("What is it?")]),
      ],
    });
    expect(request.messages).toEqual([
      { role: "system", text: "Be short." },
      { role: "system", text: "Be kind." },
      { role: "user", text: "Look.\nWhat is it?" },
    ]);
    expect(terms.hasInstructions).toBe(true);
  });

  test("blank instructions are none, and a system message of the input is not taken for them", () => {
    const { request, terms } = read({
      instructions: " ",
      input: [{ role: "system", content: "Be kind." }, user("What?")],
    });
    expect([request.messages.length, terms.hasInstructions]).toEqual([2, false]);
  });

  test.each([
    [{ max_output_tokens: 20 }, { canvas: 20, steps: 20 }],
    [{ max_output_tokens: 1e6 }, { canvas: 128 }],
    [{ max_output_tokens: 4096, x_unmask: { canvas: 16 } }, { canvas: 16 }],
    [
      { x_unmask: { seed: 7, stop: "." }, temperature: 0.5 },
      { seed: 7, stop: ["."], temperature: 0.5 },
    ],
    [{}, { canvas: 32, temperature: 0 }],
  ])("with its options: %j", (body, options) => {
    expect(read(body).request.options).toMatchObject(options);
  });

  test.each([
    { temperature: 0, top_p: 0.95 },
    { tools: [], tool_choice: "auto", top_p: 1, truncation: "disabled", top_logprobs: 0 },
    {
      reasoning: { effort: null, summary: null },
      text: { format: { type: "text" }, verbosity: "low" },
    },
    { reasoning: {}, include: ["reasoning.encrypted_content"], user: "u", service_tier: "auto" },
    {
      metadata: null,
      previous_response_id: null,
      instructions: null,
      conversation: null,
      stream: null,
    },
    {
      parallel_tool_calls: true,
      stream_options: { include_obfuscation: false },
      safety_identifier: "s",
    },
  ])("and what asks for nothing is let pass: %j", (body) => {
    expect(read(body).request.messages).toEqual([{ role: "user", text: "What?" }]);
  });

  test.each<[string, object, string]>([
    ["a blank question", { input: "  " }, "/input"],
    ["a blank last message", { input: [user([said("")])] }, "/input/0/content"],
    [
      "an end that is not the user's",
      { input: [user("?"), { role: "assistant", content: "!" }] },
      "/input/1/role",
    ],
    [
      "a picture that is none",
      { input: [user([said("?"), { ...shown(), image_url: "data:image/png;base64,!" }])] },
      "/input/0/content/1/image_url",
    ],
    ["an option of ours", { x_unmask: { steps: 0 } }, "/x_unmask/steps"],
    ["a canvas of another type", { x_unmask: { canvas: "16" } }, "/x_unmask/canvas"],
  ])("and faults are named where they were sent: %s", (_, body, pointer) => {
    expect(problems(body).map((problem) => problem.pointer)).toEqual([pointer]);
  });
});

describe("a response that goes on", () => {
  test("stands behind the turns of before, and its instructions before them", () => {
    const body = {
      instructions: "Be short.",
      previous_response_id: "resp_1",
      input: [user([shown(), said("And this?")])],
    };
    const { request, terms } = read(body, { turns });
    expect(request.messages).toEqual([
      { role: "system", text: "Be short." },
      { role: "user", text: "What?", pictures: 1 },
      { role: "assistant", text: "A dog." },
      { role: "user", text: "And this?", pictures: 1 },
    ]);
    expect(request.pictures).toHaveLength(1);
    expect(terms).toMatchObject({ previousId: "resp_1", hasInstructions: true });
  });

  test("has one form where only the first message shows something, however it came together", () => {
    expect(read({ previous_response_id: "resp_1" }, { turns }).request.messages).toEqual([
      { role: "user", text: "What?" },
      { role: "assistant", text: "A dog." },
      { role: "user", text: "What?" },
    ]);
  });

  test("looks closely where any of its pictures, of before or new, is to be looked at closely", () => {
    const detailOf = (input: unknown, recalled: Recalled) =>
      read({ input }, recalled).request.options.detail;
    expect(detailOf("?", { turns })).toBe("low");
    expect(detailOf([user([shown("low"), said("?")])], { turns })).toBe("low");
    expect(detailOf([user([shown("high"), said("?")])], { turns })).toBe("auto");
    expect(detailOf("?", { turns: { ...turns, detail: "auto" } })).toBe("auto");
    expect(detailOf("?", { turns: { ...turns, pictures: 0 } })).toBe("auto");
  });

  test("is measured with what was said and shown before", () => {
    const many = Array.from({ length: MAX_MESSAGES }, () => turns.messages[0]);
    expect(problems({}, { turns: { ...turns, messages: many } })).toMatchObject([
      { pointer: "/input", message: expect.stringContaining("65 with those of before") },
    ]);
    const input = [user([...Array.from({ length: MAX_IMAGES }, () => shown()), said("?")])];
    expect(problems({ input }, { turns })).toMatchObject([
      { pointer: "/input", message: expect.stringContaining("9 pictures") },
    ]);
    const long = [{ role: "user", text: "x".repeat(32 * 1024) }] as const;
    expect(problems({}, { turns: { ...turns, messages: long } })).toMatchObject([
      { pointer: "/input", message: expect.stringContaining("bytes of text") },
    ]);
  });

  test("says what was told before by its id until that is looked up", () => {
    const input = [user("What?"), { type: "item_reference", id: "msg_1" }, user("Sure?")];
    const text = (recalled?: Recalled) => read({ input }, recalled).request.messages[1]?.text;
    expect(text()).toBe("msg_1");
    expect(text({ texts: new Map([["msg_1", "A dog."]]) })).toBe("A dog.");
  });
});
