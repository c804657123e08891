import { afterEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { responseSchema } from "#wire/compatible/responses/response-schema.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { failures, pngBytes, story } from "../../../../support/edge-builders.ts";
import { readOrderBody } from "../../../../support/orders.ts";
import { modelReply } from "../../../cache/model-reply.ts";
import { ask, askJson, eventReply, functionReplies } from "../../../function-double.ts";
import { pngUri, post } from "../../compatible-calls.ts";
import { asking, create, eventsOf, path } from "./calls.ts";

afterEach(() => vi.restoreAllMocks());

describe("POST /v1/responses", () => {
  test("answers with a response that counts the picture, tells what it was asked with and what it cost", async () => {
    functionReplies(() => eventReply(story));
    const metadata = { shop: "Lena's", line: "7" };
    const body = await create(asking("What is it?", { metadata, user: "u1" }));
    expect(body).toMatchObject({
      // All four positions are used: there was no room for an end.
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      output: [{ role: "assistant", content: [{ type: "output_text", text: "A red square." }] }],
      usage: { input_tokens: 760, output_tokens: 4, total_tokens: 764 },
      ...{ metadata, max_output_tokens: 4, store: true, background: false, error: null },
      x_unmask: { status: "completed", digest: "cd".repeat(32) },
    });
    expect(body.id).toMatch(/^resp_[0-9A-Za-z]+$/);
    expect(body.output[0]?.id).toBe(body.id.replace("resp_", "msg_"));
    const answer = await ask(`/v1/answers/${body.id.replace("resp_", "ans_")}`);
    expect(await answer.json()).toMatchObject({ answer: "A red square." });
  });

  test("is completed where the canvas had room, and costs what its quote says", async () => {
    const { sent } = functionReplies(({ url }) =>
      url.endsWith("/generate")
        ? eventReply(withRoom)
        : refusalResponse(failures.draining, { requestId: "r", instance: "/" }),
    );
    const question = "What does it cost?";
    const body = await create({ input: question, max_output_tokens: 8 });
    expect(body).toMatchObject({ status: "completed", incomplete_details: null });
    expect(body.completed_at).toBeGreaterThanOrEqual(body.created_at);
    expect(readOrderBody(sent.at(-1)!.body)).toMatchObject({ value: { options: { canvas: 8 } } });
    const quote = await post("/v1/quotes", { question, canvas: 8 });
    const { price_micros } = (await quote.json()) as { price_micros: number };
    expect(body.x_unmask.charged_micros).toBe(price_micros);
  });

  test("takes max_output_tokens for a ceiling: the canvas is no longer than the model was trained for", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    await post(path, asking("What?", { max_output_tokens: 4096 }));
    expect(readOrderBody(sent.at(-1)!.body)).toMatchObject({
      value: { options: { canvas: 32, steps: 32 } },
    });
  });

  test("reads items of every form: plain content, typed messages, what was told before, pictures by address and upload", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const uploaded = await ask("/v1/images", {
      method: "POST",
      body: pngBytes,
      headers: { "content-type": "image/png" },
    });
    const { id } = (await uploaded.json()) as { id: string };
    await post(path, {
      input: [
        { role: "user", content: "Look." },
        {
          ...{ type: "message", role: "assistant", id: "msg_1", status: "completed" },
          content: [
            { type: "output_text", text: "I do.", annotations: [] },
            { type: "refusal", refusal: "Well." },
          ],
        },
        {
          ...{ type: "message", role: "user" },
          content: [
            { type: "input_image", file_id: id, image_url: null, detail: "low" },
            { type: "input_text", text: "And this?" },
          ],
        },
      ],
      max_output_tokens: 4,
    });
    expect(readOrderBody(sent.at(-1)!.body)).toMatchObject({
      value: {
        messages: [
          { role: "user", text: "Look." },
          { role: "assistant", text: "I do.\nWell." },
          { role: "user", text: "And this?", pictures: 1 },
        ],
        options: { detail: "low" },
      },
    });
  });

  test("tells instructions that the model does not obey as a warning, and not as what it was told", async () => {
    functionReplies(() => eventReply(story));
    const body = await create(asking("Who?", { instructions: "Answer in German." }));
    expect(body.instructions).toBeNull();
    expect(body.x_unmask.warnings).toMatchObject([{ code: "system_message_dropped" }]);
  });

  test("streams typed events whose deltas are the answer, numbered by what has been told", async () => {
    functionReplies(() => eventReply(twoPieces));
    const response = await post(path, asking("Streamed?", { stream: true }));
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const events = await eventsOf(response);
    expect(events.map(({ type, sequence_number }) => [type, sequence_number])).toEqual([
      ["response.created", 0],
      ["response.in_progress", 1],
      ["response.output_item.added", 2],
      ["response.content_part.added", 3],
      ["response.output_text.delta", 3 + "A red".length],
      ["response.output_text.delta", 3 + "A red square.".length],
      ["response.output_text.done", 17],
      ["response.content_part.done", 18],
      ["response.output_item.done", 19],
      ["response.incomplete", 20],
    ]);
    expect(events.map(({ delta = "" }) => delta).join("")).toBe("A red square.");
    const last = responseSchema.parse(events.at(-1)?.response);
    expect(last.output[0]?.content[0]?.text).toBe("A red square.");
    expect(last.id).toBe(events[0]?.response?.id);
  });

  test("is charged once under an Idempotency-Key, streamed or not, whatever else is asked with it", async () => {
    const { orders } = functionReplies(() => eventReply(story));
    const headers = { "idempotency-key": "response-once" };
    const first = await create(asking("Once?"), headers);
    const again = await post(path, asking("Once?", { stream: true }), headers);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await eventsOf(again))[0]?.response?.id).toBe(first.id);
    expect(orders).toHaveLength(1);
    const other = await post(path, asking("Once?", { metadata: { a: "b" } }), headers);
    expect(other.status).toBe(422);
  });

  test("tells one from the cache as a response of its own, which is there at once to be gone on from", async () => {
    const digest = "ab".repeat(32);
    functionReplies(
      ({ url }) => (url.endsWith("/generate") ? eventReply(story) : modelReply(digest)),
      "asked",
    );
    const body = asking("Cached?", { metadata: { n: "1" } });
    const first = await create(body);
    const second = await create({ ...body, metadata: { n: "2" } });
    expect(second.x_unmask).toMatchObject({ cached: true });
    expect(second.id).not.toBe(first.id);
    expect(second.metadata).toEqual({ n: "2" });
    const told = await create({ input: "Sure?", previous_response_id: second.id });
    expect(told).toMatchObject({ previous_response_id: second.id });
    const answers = await askJson({ question: "Cached?", image: pngUri, canvas: 4 });
    // The very answer that was given first, to who asks for no response of their own.
    expect(await answers.json()).toMatchObject({ id: first.id.replace("resp_", "ans_") });
  });
});

const [started, , frame, completed] = story as [AnswerEvent, AnswerEvent, AnswerEvent, AnswerEvent];

/** The same answer on a canvas with room behind it. */
const withRoom: readonly AnswerEvent[] = story.map((event) => {
  if (event.kind === "answer.started") return { ...event, canvas: 8, steps: 8 };
  if (event.kind !== "answer.completed") return event;
  return { ...event, usage: { ...event.usage, canvas: 8, steps: 8 } };
});

/** The same answer told in two pieces. */
const twoPieces: readonly AnswerEvent[] = [
  started,
  {
    ...{ kind: "answer.frame", step: 1, stableUntil: 2, hasText: true },
    revealed: ["A", " red"].map((text, position) => ({
      ...{ position, text, token: 10 + position, confidence: 0.5, step: 1 },
    })),
  },
  frame,
  completed,
];
