import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AnswerIndex } from "#edge/answers/storage/answer-index.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { story } from "../../support/edge-builders.ts";
import {
  ask,
  askJson,
  eventReply,
  functionReplies,
  refusal,
  streamReply,
} from "../function-double.ts";
import { accountWithCharge } from "./administration.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const asked = { question: "What is this?", canvas: 4, steps: 2, cache: "off" };

async function bodyOf(response: Response): Promise<AnswerBody> {
  return answerSchema.parse(await response.json());
}

describe("an answer's routes withstand", () => {
  test("another account: it finds nothing, hears nothing, stops nothing, lists nothing", async () => {
    const { promise: going, resolve: go } = Promise.withResolvers<void>();
    functionReplies(async () => {
      await going;
      return eventReply(story);
    });
    const { id } = await bodyOf(await askJson(asked, { prefer: "respond-async" }));
    const { key } = await accountWithCharge(`ans_${crypto.randomUUID()}`, 1);
    const headers = { authorization: `Bearer ${key}` };
    for (const [method, path] of [
      ["GET", `/v1/answers/${id}`],
      ["GET", `/v1/answers/${id}/events`],
      ["POST", `/v1/answers/${id}/cancel`],
    ] as const)
      expect(await refusal(await ask(path, { method, headers }))).toMatchObject({ status: 404 });
    const list = await ask("/v1/answers", { headers });
    expect(await list.json()).toMatchObject({ data: [] });
    go();
    await vi.waitFor(async () => {
      expect((await bodyOf(await ask(`/v1/answers/${id}`))).status).toBe("completed");
    });
  });

  test("ten cancels at once: one end, one charge, the same for all", async () => {
    functionReplies(({ signal }) => {
      const stream = new ReadableStream({
        start(controller) {
          signal.addEventListener("abort", () => controller.error(signal.reason));
        },
      });
      return streamReply(stream);
    });
    const { id } = await bodyOf(await askJson(asked, { prefer: "respond-async" }));
    const cancels = await Promise.all(
      Array.from({ length: 10 }, () => ask(`/v1/answers/${id}/cancel`, { method: "POST" })),
    );
    const bodies = await Promise.all(cancels.map(bodyOf));
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]).toMatchObject({ status: "cancelled", charged_micros: 0, answer: "" });
  });

  test.each(["../ans_1", "ans_%00", "%F0%9F%92%A3", "a".repeat(4000)])(
    "the id %s, which nobody was given",
    async (id) => {
      expect((await ask(`/v1/answers/${id}`)).status).toBe(404);
    },
  );

  test("a list that cannot be written: answers are answered, and listed later", async () => {
    functionReplies(() => eventReply(story));
    vi.spyOn(AnswerIndex.prototype, "begin").mockRejectedValue(new Error("D1 is away"));
    vi.spyOn(AnswerIndex.prototype, "end").mockRejectedValue(new Error("D1 is away"));
    expect((await bodyOf(await askJson(asked))).status).toBe("completed");
  });
});
