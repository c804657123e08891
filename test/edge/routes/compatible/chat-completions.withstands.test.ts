import { afterEach, describe, expect, test, vi } from "vitest";
import type { AnswerCompleted, AnswerEvent } from "#domain/event.ts";
import { emptyStory, failures, story } from "../../../support/edge-builders.ts";
import { eventReply, functionReplies } from "../../function-double.ts";
import { chat, dataOf, post } from "../compatible-calls.ts";

afterEach(() => vi.restoreAllMocks());

const path = "/v1/chat/completions";

describe("POST /v1/chat/completions withstands", () => {
  test.each([
    "",
    "{",
    "[]",
    "null",
    '"x"',
    "\u0000",
    '{"messages":[null]}',
    '{"messages":{"0":1}}',
    '{"__proto__":{}}',
  ])("the body %j with a refusal", async (body) => {
    const response = await post(path, body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_request" } });
  });

  test("an answer that fails in the middle of a stream: the last chunk is the error, and there is no [DONE]", async () => {
    const failed = { kind: "answer.failed", failure: failures.function_timeout } as const;
    functionReplies(() => eventReply([...story.slice(0, 2), failed]));
    const data = await dataOf(await post(path, chat({ stream: true, seed: 11 })));
    expect(JSON.parse(data.at(-1)!)).toMatchObject({ error: { type: "server_error" } });
  });

  test("an empty answer: 422 in OpenAI's shape, or the last chunk of a stream, which its clients do not repeat", async () => {
    functionReplies(() => eventReply(emptyStory));
    const whole = await post(path, chat({ seed: 13 }));
    expect(whole.status).toBe(422);
    const error = { type: "invalid_request_error", code: "empty_answer" };
    expect(await whole.json()).toMatchObject({ error });
    const data = await dataOf(await post(path, chat({ stream: true, seed: 14 })));
    expect(JSON.parse(data.at(-1)!)).toMatchObject({ error });
    expect(data.join("")).not.toContain("square");
  });

  test("an answer that begins and ends with white space, streamed as it is", async () => {
    const [started, , , completed] = story as [AnswerEvent, AnswerEvent, AnswerEvent, AnswerEvent];
    const revealed = ["\n", " A", " red", " "].map((text, position) => ({
      ...{ position, token: 11, text, confidence: 0.5, step: 1 },
    }));
    const answer = "\n A red ";
    functionReplies(() =>
      eventReply([
        started,
        { kind: "answer.frame", step: 1, revealed, stableUntil: 4, hasText: true },
        { ...(completed as AnswerCompleted), answer, tokens: revealed },
      ]),
    );
    const data = await dataOf(await post(path, chat({ stream: true, seed: 15 })));
    expect(data.at(-1)).toBe("[DONE]");
    const told = data.slice(0, -1).map((text) => JSON.parse(text).choices[0]?.delta.content ?? "");
    expect(told.join("")).toBe(answer);
  });

  test("a caller who leaves a stream: the answer is cancelled", async () => {
    const left = Promise.withResolvers<void>();
    functionReplies(({ signal }) => {
      signal.addEventListener("abort", () => left.resolve());
      return eventReplyThatWaits();
    });
    const response = await post(path, chat({ stream: true, seed: 12 }));
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await left.promise;
  });
});

function eventReplyThatWaits(): Response {
  const told = eventReply(story.slice(0, 1));
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void told.body!.pipeTo(writable, { preventClose: true });
  return new Response(readable, told);
}
