import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { story } from "../../../support/edge-builders.ts";
import { readOrderBody } from "../../../support/orders.ts";
import { eventReply, functionReplies } from "../../function-double.ts";
import { dataOf, pngUri, post } from "../compatible-calls.ts";

afterEach(() => vi.restoreAllMocks());

const query = { image_url: pngUri, question: "What is this?" };

describe("Moondream's routes", () => {
  test("answer a query with the key in X-Moondream-Auth", async () => {
    functionReplies(() => eventReply(story));
    const headers = { authorization: "", "x-moondream-auth": env.TEST_API_KEY };
    const response = await post("/v1/query", query, headers);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      request_id: response.headers.get("x-request-id"),
      answer: "A red square.",
      finish_reason: "length",
    });
  });

  test("caption with a canvas of the length asked for", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const response = await post("/v1/caption", { image_url: pngUri, length: "short" });
    expect(await response.json()).toMatchObject({ caption: "A red square." });
    const work = readOrderBody(sent.at(-1)!.body);
    expect(work).toMatchObject({ ok: true, value: { options: { canvas: 16 } } });
  });

  test("stream chunks, the last of them completed", async () => {
    functionReplies(() => eventReply(story));
    const data = await dataOf(await post("/v1/query", { ...query, stream: true }));
    expect(data.map((text) => JSON.parse(text))).toMatchObject([
      { chunk: "A red square.", completed: false },
      { chunk: "", completed: true },
    ]);
  });
});
