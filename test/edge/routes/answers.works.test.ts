import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeBase64 } from "#wire/base64.ts";
import { decodeGenerate } from "#wire/generate.ts";
import { answerSchema } from "#wire/responses.ts";
import { decodeSse } from "#wire/sse.ts";
import { isTicketFor, openTicket, verificationKeysText } from "#wire/ticket.ts";
import { collect, pngBytes, story } from "../../support/edge-builders.ts";
import { ask, askJson, digest, eventReply, functionReplies } from "../function-double.ts";

afterEach(() => vi.restoreAllMocks());

const image = { data: encodeBase64(pngBytes) };

describe("POST /v1/answers works", () => {
  test("from a JSON question to the answer with what it took", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson({ question: "What is this?", image, canvas: 4, steps: 2 });
    expect(response.status).toBe(200);
    const body = answerSchema.parse(await response.json());
    expect(body).toMatchObject({
      status: "completed",
      answer: "A red square.",
      model: "unmask-demo",
      model_digest: digest,
      cached: false,
      usage: { image_vectors: 730, canvas: 4, steps: 2, forward_passes: 2 },
    });
    expect(body.id).toMatch(/^ans_[0-9A-Za-z]{21}$/);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(response.headers.get("server-timing")).toMatch(
      /^auth;dur=.*,queue;dur=.*,steps;dur=[0-9.]+;desc="2",/,
    );
  });

  test("from a form as from JSON: the function gets the same bytes", async () => {
    const double = functionReplies(() => eventReply(story));
    const form = new FormData();
    form.append("question", "What is this?");
    form.append("canvas", "4");
    form.append("steps", "2");
    form.append("image", new Blob([pngBytes]), "photo.png");
    await ask("/v1/answers", { method: "POST", body: form });
    await askJson({ question: "What is this?", image, canvas: 4, steps: 2 });
    const [byForm, byJson] = double.sent;
    expect(byForm?.body).toEqual(byJson?.body);
    expect(byForm?.body.length).toBeGreaterThan(0);
  });

  test("the function gets a ticket for exactly this body", async () => {
    const double = functionReplies(() => eventReply(story));
    const response = await askJson({ question: "What is this?", image });
    const answer = answerSchema.parse(await response.json());
    const [sent] = double.sent;
    if (sent === undefined) throw new Error("the function was not asked");
    expect(sent.url).toBe("http://127.0.0.1:8788/v1/generate");
    const jwt = sent.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const keys = verificationKeysText.parse(env.TEST_TICKET_KEYS);
    const ticket = await openTicket(jwt, keys, Date.now());
    expect(ticket).toMatchObject({
      ok: true,
      value: { jobId: answer.id, accountId: "acc_test", model: "unmask-demo" },
    });
    expect(ticket.ok && (await isTicketFor(ticket.value, sent.body))).toBe(true);
    expect(decodeGenerate(sent.body)).toMatchObject({ ok: true, value: { images: [pngBytes] } });
  });

  test.each([
    ["stream: true", { stream: true }, {}],
    ["Accept: text/event-stream", {}, { accept: "text/event-stream" }],
  ])(
    "as events with %s: frames while it is made, the same body at the end",
    async (_, body, headers) => {
      functionReplies(() => eventReply(story));
      const response = await askJson({ question: "What is this?", ...body }, headers);
      expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
      if (response.body === null) throw new Error("no body");
      const messages = await collect(decodeSse(response.body));
      expect(messages.map(({ event }) => event)).toEqual([
        "answer.started",
        "answer.frame",
        "answer.frame",
        "answer.completed",
      ]);
      const [started, first] = messages;
      expect(started?.id).toMatch(/^ans_[0-9A-Za-z]{21}\.0$/);
      expect(JSON.parse(first?.data ?? "")).toEqual({
        step: 1,
        mean_confidence: 0.625,
        stable_until: 0,
        revealed: [
          { position: 1, token: 11, text: " red", confidence: 0.75, step: 1 },
          { position: 0, token: 10, text: "A", confidence: 0.5, step: 1 },
        ],
      });
      const answer = answerSchema.parse(JSON.parse(messages.at(-1)?.data ?? ""));
      expect(messages.at(-1)?.id).toBe(`${answer.id}.3`);
      expect(answer.answer).toBe("A red square.");
    },
  );

  test("keeps the caller's request id, to the function too", async () => {
    const double = functionReplies(() => eventReply(story));
    const response = await askJson({ question: "?" }, { "x-request-id": "trace-42" });
    expect(response.headers.get("x-request-id")).toBe("trace-42");
    expect(double.sent[0]?.headers.get("x-request-id")).toBe("trace-42");
  });
});
