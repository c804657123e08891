import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { formatKey } from "#wire/api/accounts/key.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { MAX_BODY_BYTES } from "#wire/limits.ts";
import { failures } from "../../../support/edge-builders.ts";
import { modelReply } from "../../cache/model-reply.ts";
import {
  ask,
  askJson,
  digest,
  eventReply,
  functionReplies,
  refusal,
} from "../../function-double.ts";

// Unless a test says otherwise: what a test of another file had its function say is remembered for seconds.
beforeEach(() => void functionReplies(() => eventReply([])));

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("POST /v1/answers refuses", () => {
  test.each<[string, HeadersInit]>([
    ["no key", { authorization: "" }],
    ["another scheme", { authorization: "Basic dTpw" }],
    ["a malformed key", { authorization: "Bearer umk_live_x" }],
    ["a key that nobody was given", { authorization: `Bearer ${strangerKey()}` }],
    ["a mistyped key", { authorization: `Bearer ${mistypedKey()}` }],
  ])("%s, without saying which check failed", async (_, headers) => {
    const { sent } = functionReplies(() => eventReply([]));
    const response = await askJson({ question: "?" }, headers);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await refusal(response)).toMatchObject({ status: 401, code: "unauthenticated" });
    expect(sent).toEqual([]);
  });

  test("a key in the address", async () => {
    const path = `/v1/answers?key=${env.TEST_API_KEY}&api_key=${env.TEST_API_KEY}`;
    const response = await ask(path, { method: "POST", headers: { authorization: "" } });
    expect(await refusal(response)).toMatchObject({ code: "unauthenticated" });
  });

  test("fields that nobody knows, with a pointer to each", async () => {
    const problem = await refusal(await askJson({ question: "?", "a/b": 1, deadline: 2 }));
    expect(problem).toMatchObject({
      status: 400,
      code: "invalid_request",
      retryable: false,
      errors: [{ pointer: "/a~1b" }, { pointer: "/deadline" }],
    });
  });

  test("what is no picture, by its first bytes", async () => {
    const image = { data: btoa("%PDF-1.7 and so on") };
    expect(await refusal(await askJson({ question: "?", image }))).toMatchObject({
      status: 422,
      code: "image_unsupported",
    });
  });

  test("a model that is not served, naming the one that is", async () => {
    // What another test's function said is out of date by now.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * MODEL_MS });
    functionReplies(() => modelReply(digest), "asked");
    expect(await refusal(await askJson({ question: "?", model: "gpt" }))).toMatchObject({
      code: "unknown_model",
      detail: 'There is no model "gpt"; there is unmask-demo.',
    });
  });

  test.each(["text/plain", "", "application/x-www-form-urlencoded"])(
    "a body of type %j",
    async (type) => {
      const response = await ask("/v1/answers", {
        method: "POST",
        body: "question=?",
        headers: { "content-type": type },
      });
      expect(await refusal(response)).toMatchObject({
        status: 415,
        code: "unsupported_media_type",
      });
    },
  );

  test("a form that breaks its own boundaries", async () => {
    const response = await ask("/v1/answers", {
      method: "POST",
      body: "--x\r\nnot a form",
      headers: { "content-type": "multipart/form-data; boundary=x" },
    });
    expect(await refusal(response)).toMatchObject({ status: 400, code: "invalid_request" });
  });

  test("a body beyond the limit, stated or streamed", async () => {
    const stated = await ask("/v1/answers", {
      method: "POST",
      body: new Uint8Array(MAX_BODY_BYTES + 1),
      headers: { "content-type": "application/json" },
    });
    expect(await refusal(stated)).toMatchObject({ status: 413, code: "body_too_large" });

    const mebibyte = new Uint8Array(1024 * 1024);
    const streamed = await ask("/v1/answers", {
      method: "POST",
      body: new ReadableStream({ pull: (controller) => controller.enqueue(mebibyte) }),
      headers: { "content-type": "application/json" },
    });
    expect(await refusal(streamed)).toMatchObject({ status: 413, code: "body_too_large" });
  });

  test("with the function's own reasons, down to when to come back", async () => {
    functionReplies(() =>
      refusalResponse(failures.weights_loading, { requestId: "req_f", instance: "/v1/generate" }),
    );
    const response = await askJson({ question: "?" });
    expect(response.headers.get("retry-after")).toBe("41");
    const problem = await refusal(response);
    expect(problem).toMatchObject({
      status: 503,
      code: "weights_loading",
      instance: "/v1/answers",
      retryable: true,
    });
    expect(problem).not.toHaveProperty("failure");
  });

  test("with what the function finds out only while it answers", async () => {
    functionReplies(() => eventReply([{ kind: "answer.failed", failure: failures.image_bomb }]));
    expect(await refusal(await askJson({ question: "?" }))).toMatchObject({
      status: 422,
      code: "image_bomb",
    });
  });

  test("blaming nobody for a ticket that the function did not take", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    functionReplies(() =>
      refusalResponse(failures.ticket_refused, { requestId: "req_f", instance: "/v1/generate" }),
    );
    const problem = await refusal(await askJson({ question: "?" }));
    expect(problem).toMatchObject({ status: 500, code: "internal" });
    expect(JSON.stringify(problem)).not.toContain("SIGNATURE");
  });
});

/** Well-formed, but of no record. */
function strangerKey(): string {
  return formatKey({ environment: "live", id: "0".repeat(16), secret: "0".repeat(43) });
}

function mistypedKey(): string {
  return env.TEST_API_KEY.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
}
