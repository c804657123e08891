import { afterEach, describe, expect, test, vi } from "vitest";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { chatErrorSchema } from "#wire/compatible/chat-reply.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { MAX_JSON_VALUES } from "#wire/limits.ts";
import { failures } from "../../../support/edge-builders.ts";
import { modelReply } from "../../cache/model-reply.ts";
import { ask, functionReplies } from "../../function-double.ts";
import { chat, post } from "../compatible-calls.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const path = "/v1/chat/completions";

async function errorOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  return chatErrorSchema.parse(await response.json()).error;
}

describe("POST /v1/chat/completions refuses in OpenAI's shape", () => {
  test.each<[string, object, string]>([
    ["tools", { tools: [{ type: "function", function: { name: "f" } }] }, "tools"],
    ["several answers", { n: 2 }, "n"],
    ["log probabilities", { logprobs: true }, "logprobs"],
    ["an unknown field", { colour: "red" }, "colour"],
    ["no messages", { messages: [] }, "messages"],
  ])("%s, naming the field", async (_, body, param) => {
    const response = await post(path, chat(body));
    expect(response.status).toBe(400);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(await errorOf(response)).toMatchObject({
      type: "invalid_request_error",
      code: "invalid_request",
      param,
    });
  });

  test("every field that is at fault, in the sentence itself: the shape has no list of them", async () => {
    const response = await post(path, chat({ best_of: 1, n: 2, tools: "all" }));
    const { message, param } = await errorOf(response);
    expect(message.split(". ").map((fault) => fault.split(":")[0])).toEqual([
      ...["/best_of", "/n", "/tools"],
    ]);
    expect(message).not.toContain("in errors");
    expect(param).toBe("best_of");
  });

  test("a picture's address that does not stand in an object, with the form that it has", async () => {
    const content = [{ type: "image_url", image_url: "data:image/png;base64,iVBORw0KGgo=" }];
    const response = await post(path, chat({ messages: [{ role: "user", content }] }));
    const { message, param } = await errorOf(response);
    expect(param).toBe("messages.0.content.0.image_url");
    expect(message).toContain('{"url": "data:image/png;base64,');
  });

  test.each([
    ["/chat/completions", "without /v1"],
    ["/v1/v1/chat/completions", "with /v1 twice"],
    ["/api/v1/chat/completions", "with a folder in front"],
    ["/v1/chat/completions/", "with a slash at the end"],
  ])("%s, a base URL %s: the path that was meant is told", async (wrong) => {
    const response = await post(wrong, chat(), { "x-stainless-lang": "python" });
    expect([response.status, await errorOf(response)]).toMatchObject([
      404,
      { code: "not_found", message: expect.stringContaining("Do you mean /v1/chat/completions?") },
    ]);
  });

  test("what the guards refuse: no key, a body of another type, another method, too large a body", async () => {
    const noKey = await post(path, chat(), { authorization: "" });
    expect([noKey.status, await errorOf(noKey)]).toMatchObject([
      401,
      { type: "authentication_error" },
    ]);
    const form = await post(path, chat(), { "content-type": "text/plain" });
    expect([form.status, await errorOf(form)]).toMatchObject([
      415,
      { code: "unsupported_media_type" },
    ]);
    const get = await ask(path);
    expect([get.status, await errorOf(get)]).toMatchObject([405, { code: "method_not_allowed" }]);
    const large = await post(path, "x".repeat(17 * 1024 * 1024));
    expect([large.status, await errorOf(large)]).toMatchObject([413, { code: "body_too_large" }]);
  });

  test("a model that is not served, and a price above the caller's bound", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * MODEL_MS });
    functionReplies(() => modelReply("ab".repeat(32)), "asked");
    const model = await post(path, chat({ model: "gpt-5" }));
    expect([model.status, await errorOf(model)]).toMatchObject([
      404,
      { code: "model_not_found", type: "invalid_request_error", param: "model" },
    ]);
    const dear = await post(path, chat({ x_unmask: { max_price_micros: 0 } }));
    expect([dear.status, await errorOf(dear)]).toMatchObject([
      422,
      { code: "price_above_maximum" },
    ]);
  });

  test.each([
    ["openai's", { "x-stainless-lang": "js", "user-agent": "OpenAI/JS 7.57.0" }],
    ["the AI SDK's", { "user-agent": "ai/7.0.173 ai-sdk/openai-compatible/3.0.92" }],
    ["LiteLLM's", { "user-agent": "litellm/1.110.2" }],
  ])(
    "to %s client what lies at no route of it too, and a model that is none",
    async (_, headers) => {
      const nowhere = await post("/v1/embeddings", { input: "x" }, headers);
      expect([nowhere.status, await errorOf(nowhere)]).toMatchObject([
        404,
        {
          code: "not_found",
          type: "invalid_request_error",
          message: expect.stringContaining("embeddings"),
        },
      ]);
      const noSuchMethod = await post("/v1/images/edits", {}, headers);
      expect([noSuchMethod.status, await errorOf(noSuchMethod)]).toMatchObject([
        405,
        { code: "method_not_allowed", message: expect.stringContaining("POST") },
      ]);
      functionReplies(() => modelReply("ab".repeat(32)), "asked");
      const model = await ask("/v1/models/gpt-5", { headers });
      expect([model.status, await errorOf(model)]).toMatchObject([
        404,
        { code: "model_not_found" },
      ]);
      const noKey = await ask("/v1/models", { headers: { ...headers, authorization: "" } });
      expect([noKey.status, await errorOf(noKey)]).toMatchObject([
        401,
        { code: "unauthenticated" },
      ]);
    },
  );

  test("and to nobody else: our own clients have the problem, of an unknown path as of an unknown model", async () => {
    functionReplies(() => modelReply("ab".repeat(32)), "asked");
    for (const [path, status] of [
      ["/v1/embeddings", 404],
      ["/v1/models/gpt-5", 404],
    ] as const) {
      const response = await ask(path, { headers: { "user-agent": "curl/8" } });
      expect([response.status, response.headers.get("content-type")]).toEqual([
        status,
        "application/problem+json",
      ]);
    }
  });

  test("what the function refuses, and says that trying again helps", async () => {
    functionReplies(() => refusalResponse(failures.draining, { requestId: "r", instance: "/" }));
    const response = await post(path, chat());
    expect(response.status).toBe(503);
    expect([response.headers.get("x-should-retry"), response.headers.get("retry-after")]).toEqual([
      "true",
      "5",
    ]);
    expect(await errorOf(response)).toMatchObject({ type: "server_error", code: "draining" });
  });

  test("hundreds of thousands of small values, before a schema looks at any of them", async () => {
    const stop = Array(MAX_JSON_VALUES).fill(0);
    const { message } = await errorOf(await post("/v1/chat/completions", chat({ stop })));
    expect(message).toContain(`more than ${MAX_JSON_VALUES} values`);
  });
});
