import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { decodeSse } from "#wire/codec/sse.ts";
import { isTicketFor, openTicket } from "#wire/function/ticket.ts";
import { verificationKeysText } from "#wire/function/ticket-keys.ts";
import { collect, pngBytes, story } from "../../../support/edge-builders.ts";
import { gif, jpeg } from "../../../support/image-files.ts";
import { headIn, readOrderBody } from "../../../support/orders.ts";
import { ask, askJson, digest, eventReply, functionReplies } from "../../function-double.ts";

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
      usage: { image_vectors: 730, prompt_length: 760, canvas: 4, steps: 2, forward_passes: 2 },
    });
    expect(body.id).toMatch(/^ans_[0-9A-Za-z]{21}$/);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(response.headers.get("server-timing")).toMatch(
      /^auth;dur=.*,cache;dur=.*,queue;dur=.*,steps;dur=[0-9.]+;desc="2",/,
    );
  });

  test("tells how much of its picture was kept from an earlier question, which costs the same", async () => {
    const keeping = story.map((event): AnswerEvent => {
      if (event.kind === "answer.started") return { ...event, cachedImageVectors: 730 };
      if (event.kind !== "answer.completed") return event;
      return { ...event, usage: { ...event.usage, cachedImageVectors: 730 } };
    });
    const bodies: AnswerBody[] = [];
    for (const [told, kept] of [
      [story, 0],
      [keeping, 730],
    ] as const) {
      functionReplies(() => eventReply(told));
      const response = await askJson({
        question: `How many of ${kept}?`,
        image,
        canvas: 4,
        steps: 2,
      });
      const body = answerSchema.parse(await response.json());
      expect(body.usage.cached_image_vectors).toBe(kept);
      expect(response.headers.get("server-timing")).toContain(
        `vision;desc="${kept} of 730 vectors kept"`,
      );
      bodies.push(body);
    }
    expect(bodies[1]?.charged_micros).toBe(bodies[0]?.charged_micros);
    expect(bodies[0]?.charged_micros).toBeGreaterThan(0);
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
    const [byForm, byJson] = double.orders;
    expect(byForm?.body).toEqual(byJson?.body);
    expect(byForm?.body.length).toBeGreaterThan(0);
  });

  test("the function gets a ticket for exactly this body", async () => {
    const double = functionReplies(() => eventReply(story));
    const response = await askJson({ question: "What is this?", image });
    const answer = answerSchema.parse(await response.json());
    const [sent] = double.orders;
    if (sent === undefined) throw new Error("the function was not asked");
    expect(sent.url).toBe("http://127.0.0.1:8788/v1/generate");
    const jwt = sent.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const keys = verificationKeysText.parse(env.TEST_TICKET_KEYS);
    const ticket = await openTicket(jwt, keys, Date.now());
    expect(ticket).toMatchObject({
      ok: true,
      value: { jobId: answer.id, accountId: "acc_test", model: "unmask-demo" },
    });
    expect(ticket.ok && (await isTicketFor(ticket.value, headIn(sent.body)))).toBe(true);
    expect(readOrderBody(sent.body)).toMatchObject({ ok: true, value: { images: [pngBytes] } });
  });

  test("the ticket says of every picture what was priced: its size as stored and how it is turned", async () => {
    const double = functionReplies(() => eventReply(story));
    const files = [jpeg(300, 200, { orientation: 6 }), gif(640, 480, 1, [320, 240])];
    const images = files.map((file) => ({ data: encodeBase64(file) }));
    await askJson({ question: "Which is larger?", images });
    const jwt = double.orders[0]?.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    const keys = verificationKeysText.parse(env.TEST_TICKET_KEYS);
    expect(await openTicket(jwt, keys, Date.now())).toMatchObject({
      value: {
        pictures: [
          { width: 300, height: 200, orientation: 6 },
          { width: 320, height: 240, orientation: 1 },
        ],
      },
    });
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
        reason: "schedule",
        mean_confidence: 0.625,
        stable_until: 0,
        revised: [],
        turn_end: null,
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
    expect(double.orders[0]?.headers.get("x-request-id")).toBe("trace-42");
  });

  test("takes up a W3C trace, to the function and in the log, which has nothing of the question", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const response = await askJson(
      { question: "Who is the heir?", image, canvas: 4, steps: 2 },
      { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    );
    const body = answerSchema.parse(await response.json());
    expect(sent[0]?.headers.get("traceparent")).toMatch(
      new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`),
    );
    expect(sent[0]?.headers.get("traceparent")).not.toContain("00f067aa0ba902b7");
    const lines = log.mock.calls.map(([line]) => String(line));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ event: "charge", answer: body.id }),
      {
        event: "request",
        method: "POST",
        route: "/v1/answers",
        status: 200,
        ms: expect.any(Number),
        request_id: response.headers.get("x-request-id"),
        trace_id: traceId,
        account: "acc_test",
        answer: body.id,
      },
    ]);
    expect(lines.join()).not.toMatch(/heir|umk_/);
  });

  test.each(["00-0-0-01", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`])(
    "begins a trace of its own instead of %s",
    async (traceparent) => {
      const { sent } = functionReplies(() => eventReply(story));
      await askJson({ question: "?" }, { traceparent });
      const own = sent[0]?.headers.get("traceparent");
      expect(own).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      expect(own).not.toContain("0".repeat(32));
    },
  );
});

describe("POST /v1/answers with a Prefer", () => {
  /** A function that answers when it is told to. */
  function slow(): { go: () => void; sent: readonly unknown[] } {
    const { promise: going, resolve: go } = Promise.withResolvers<void>();
    const { sent } = functionReplies(async () => {
      await going;
      return eventReply(story);
    });
    return { go, sent };
  }

  test("for 0 seconds or none at all is told where to come back, and when", async () => {
    const { go } = slow();
    const paths: string[] = [];
    for (const [prefer, applied] of [
      ["respond-async", "respond-async"],
      ["wait=0", "wait=0"],
    ] as const) {
      const response = await askJson({ question: "?", cache: "off" }, { prefer });
      const body = answerSchema.parse(await response.json());
      expect([response.status, body.status, body.ended_at]).toEqual([202, "queued", null]);
      const names = ["location", "retry-after", "preference-applied", "cache-control", "etag"];
      expect(names.map((name) => response.headers.get(name))).toEqual([
        ...[`/v1/answers/${body.id}`, "1", applied, "no-store", null],
      ]);
      paths.push(`/v1/answers/${body.id}/events`);
    }
    go();
    const ends = await Promise.all(paths.map(async (path) => await (await ask(path)).text()));
    for (const events of ends) expect(events).toContain("event: answer.completed");
  });

  test("to wait gets the answer if it is done by then", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson({ question: "?" }, { prefer: "wait=10" });
    expect([response.status, response.headers.get("preference-applied")]).toEqual([200, "wait=10"]);
    expect(answerSchema.parse(await response.json()).status).toBe("completed");
  });

  test("for something else is answered as without it", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson({ question: "?" }, { prefer: "return=minimal" });
    expect([response.status, response.headers.get("preference-applied")]).toEqual([200, null]);
  });
});

describe("POST /v1/answers with a deadline", () => {
  test.each([
    ["Cancel-After", {}, { "cancel-after": "30s" }, 30_000],
    ["deadline_ms", { deadline_ms: 20_000 }, {}, 20_000],
    ["the sooner of both", { deadline_ms: 90_000 }, { "cancel-after": "1m" }, 60_000],
  ])("from %s hands it to the function", async (_, body, headers, limit) => {
    const { sent } = functionReplies(() => eventReply(story));
    expect((await askJson({ question: "?", ...body }, headers)).status).toBe(200);
    const left = Number(sent[0]?.headers.get("unmask-deadline-ms"));
    expect(left).toBeLessThanOrEqual(limit);
    expect(left).toBeGreaterThan(limit - 10_000);
  });

  test("refuses a Cancel-After that is none", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson({ question: "?" }, { "cancel-after": "soon" });
    expect([response.status, (await response.json<{ code: string }>()).code]).toEqual([
      400,
      "invalid_request",
    ]);
  });
});
