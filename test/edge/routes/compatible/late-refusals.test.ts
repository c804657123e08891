import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FieldProblem } from "#domain/failure.ts";
import { modelReply } from "../../cache/model-reply.ts";
import { ask, digest, eventReply, functionReplies } from "../../function-double.ts";
import { pngUri, post } from "../compatible-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const picture = { type: "image_url", image_url: { url: pngUri } };
const schema = {
  type: "object",
  properties: {
    box: {
      type: "object",
      properties: { kind: { enum: ["vase", "dog"] }, damaged: { type: "boolean" } },
      required: ["kind", "damaged"],
    },
  },
  required: ["box"],
};
/** Of its kind: as our own fields have it, and in the schema. */
const inBox = "/fields/box.kind/criteria";
const ofKind = "/properties/box/properties/kind";
const inChat = "/response_format/json_schema/schema";
const inTool = "/tools/0/function/parameters";
const inText = "/text/format/schema";
const fields = { type: "json_schema", name: "it", schema };
const chat = {
  messages: [{ role: "user", content: [picture, { type: "text", text: "Too late?" }] }],
  response_format: { type: "json_schema", json_schema: { name: "it", schema } },
};
const called = {
  messages: chat.messages,
  tools: [{ type: "function", function: { name: "it", parameters: schema } }],
  tool_choice: "required",
};
const input = [{ role: "user", content: [{ type: "input_image", image_url: pngUri }] }];
const response = { input, text: { format: fields } };
const choice = { type: "choice", choices: [{ value: "vase" }, { value: "dog" }] };
const decisions = { input, questions: [{ type: "predicate", instructions: "Broken?" }, choice] };
const asked = {
  broken: { type: "noul" },
  "is/it": { type: "choice", criteria: { vase: null, dog: null } },
};
const jev = { state: null, images: [pngUri], questions: asked };

/** A function that lets a question in and then refuses it: it alone knows the model's tokens. */
async function functionRefuses(pointer: string): Promise<void> {
  const card = await modelReply(digest).json<Record<string, unknown>>();
  const places = { columns: 1, rows: 2, cells: ["top", "bottom"], question: "Where is {object}?" };
  const read = { style: { style: "lines" }, fitted: [], places };
  const problems: readonly FieldProblem[] = [{ pointer, message: "are the same words" }];
  const failure = { kind: "field_options_collide", problems } as const;
  functionReplies(
    ({ url }) =>
      url.includes("generate")
        ? eventReply([{ kind: "answer.failed", failure }])
        : Response.json({ ...card, read }),
    "asked",
  );
}

describe("what only the function can refuse is told in the places of the body that was sent", () => {
  test.each<readonly [string, string, object, string, string]>([
    ["a chat's schema", "/v1/chat/completions", chat, inBox, `${inChat}${ofKind}`],
    ["a forced function", "/v1/chat/completions", called, inBox, `${inTool}${ofKind}`],
    ["a response's format", "/v1/responses", response, inBox, `${inText}${ofKind}`],
    ["a decision", "/v1/decisions", decisions, "/fields/q2/criteria", "/questions/1/choices"],
    ["Jev's question", "/v1/systemone", jev, "/fields/q2/criteria", "/questions/is~1it/criteria"],
    ["Moondream's", "/v1/point", { image_url: pngUri, object: "dog" }, "/fields/place", "/object"],
  ])("%s", async (_, path, body, ours, sent) => {
    await functionRefuses(ours);
    const reply = await post(path, body);
    const text = await reply.text();
    expect(reply.status, text).toBe(400);
    expect(text).toContain(`${sent}: are the same words`);
    expect(text).not.toContain("/fields");
    const { error } = JSON.parse(text) as { error?: { param?: string } };
    if (error !== undefined) expect(error.param).toBe(sent.slice(1).replaceAll("/", "."));
  });

  test.each([
    ["/v1/chat/completions", chat, inChat],
    ["/v1/responses", response, inText],
  ])("streamed by %s too, and of one that is kept whenever it is shown", async (path, body, at) => {
    await functionRefuses(inBox);
    const events = await (await post(path, { ...body, stream: true })).text();
    expect(events).toContain(`${at}${ofKind}: are the same words`);
    expect(events).not.toContain("/fields");
    const [id] = /resp_\w+/.exec(events) ?? [];
    if (id === undefined) return;
    const shown = await (await ask(`/v1/responses/${id}`)).text();
    expect(shown).toContain(`${at}${ofKind}: are the same words`);
  });
});
