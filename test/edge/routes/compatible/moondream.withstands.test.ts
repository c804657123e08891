import { afterEach, describe, expect, test, vi } from "vitest";
import { emptyStory, failures, story } from "../../../support/edge-builders.ts";
import { eventReply, functionReplies } from "../../function-double.ts";
import { post } from "../compatible-calls.ts";

afterEach(() => vi.restoreAllMocks());

describe("Moondream's routes withstand", () => {
  test.each([
    "",
    "{",
    "[]",
    "null",
    '{"question":{}}',
    '{"question":"?","image_url":"file:///etc/passwd"}',
  ])("the body %j with a refusal", async (body) => {
    const response = await post("/v1/query", body);
    expect(response.status).toBe(400);
  });

  test("a function that fails: the reply says so, nothing is charged", async () => {
    const failed = { kind: "answer.failed", failure: failures.function_timeout } as const;
    functionReplies(() => eventReply([...story.slice(0, 2), failed]));
    const response = await post("/v1/query", { question: "Does it fail?" });
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(await response.json()).toMatchObject({ error: { type: "server_error" } });
  });

  test("an empty answer: the reply says so, and a stream ends as one that failed", async () => {
    functionReplies(() => eventReply(emptyStory));
    const response = await post("/v1/query", { question: "Is it empty?" });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: { code: "empty_answer" } });
    const streamed = await post("/v1/query", { question: "Is it empty?", stream: true });
    await expect(streamed.text()).rejects.toThrow();
  });
});
