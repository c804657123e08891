import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { decodeSse, encodeSse, MAX_SSE_EVENT_LENGTH } from "#wire/codec/sse.ts";
import { problemSchema } from "#wire/error.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { ALTERNATIVES_HEADER } from "#wire/function/generate.ts";
import { collect, failures, story, storyWithAlternatives } from "../../../support/edge-builders.ts";
import { ask, askJson, eventReply, functionReplies, streamReply } from "../../function-double.ts";

const utf8 = new TextEncoder();

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** A stream that says this and then holds the line until it is dropped. */
function hangingAfter(events: readonly AnswerEvent[], signal: AbortSignal): ReadableStream {
  return new ReadableStream({
    start(controller) {
      for (const event of events)
        controller.enqueue(utf8.encode(encodeSse(eventMessage(event, "ans_x"))));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
}

/** A line of the list of answers. */
interface Listed {
  readonly id: string;
}

/** How many other tokens an event tells of each token that it reveals; an end reveals none. */
function alternativesIn(data: string): number[] {
  const { revealed = [] }: { revealed?: readonly { alternatives?: readonly unknown[] }[] } =
    JSON.parse(data);
  return revealed.map(({ alternatives }) => alternatives?.length ?? 0);
}

async function codeOf(response: Response): Promise<string> {
  return problemSchema.parse(await response.json()).code;
}

describe("POST /v1/answers withstands a function that", () => {
  test.each<[string, string, () => Response]>([
    ["tells half an answer", "function_reply_invalid", () => eventReply(story.slice(0, 2))],
    ["tells nothing", "function_reply_invalid", () => eventReply([])],
    [
      "repeats a step",
      "function_reply_invalid",
      () => eventReply([...story.slice(0, 2), ...story.slice(1)]),
    ],
    ["speaks JSON", "function_reply_invalid", () => Response.json({ answer: "free" })],
    [
      "sends an endless line",
      "function_reply_invalid",
      () => streamReply(new Response("x".repeat(MAX_SSE_EVENT_LENGTH + 2)).body),
    ],
    [
      "does not say which weights answer",
      "function_reply_invalid",
      () => new Response("", { headers: { "content-type": "text/event-stream" } }),
    ],
    [
      "redirects",
      "function_reply_invalid",
      () => Response.redirect("https://elsewhere.test/", 307),
    ],
    [
      "is replaced by a proxy's page",
      "function_unreachable",
      () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
    ],
    [
      "is no worker of RunPod's",
      "function_unreachable",
      () => new Response("no worker available", { status: 400 }),
    ],
    [
      "is not started by its host",
      "function_unreachable",
      () => new Response("The request was aborted.", { status: 500 }),
    ],
    [
      "took longer than its host waits",
      "function_unreachable",
      () => new Response("a timeout occurred", { status: 524 }),
    ],
    [
      "is hidden behind a host that says 403",
      "function_reply_invalid",
      () => new Response("forbidden", { status: 403 }),
    ],
    [
      "refuses at unreasonable length",
      "function_reply_invalid",
      () =>
        new Response(" ".repeat(300_000), {
          status: 500,
          headers: { "content-type": "application/problem+json" },
        }),
    ],
  ])("%s: %s", async (_, code, reply) => {
    functionReplies(reply);
    const response = await askJson({ question: "?" });
    expect(await codeOf(response)).toBe(code);
    expect(response.status).toBeGreaterThanOrEqual(502);
  });

  test.each([
    ["7", "7"],
    ["soon", "2"],
  ])("has a host that has no instance free (429), and says when: %s", async (says, seconds) => {
    const init = { status: 429, headers: { "retry-after": says } };
    functionReplies(() => new Response("Rate exceeded.", init));
    const response = await askJson({ question: "?" });
    expect([response.status, await codeOf(response)]).toEqual([503, "overloaded"]);
    expect(response.headers.get("retry-after")).toBe(seconds);
  });

  test("is not there", async () => {
    functionReplies(() => {
      throw new TypeError("connection refused");
    });
    const response = await askJson({ question: "?" });
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await codeOf(response)).toBe("function_unreachable");
  });

  test("never replies", async () => {
    const { sent } = functionReplies(({ signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    const response = await askJson({ question: "?" });
    expect([response.status, await codeOf(response)]).toEqual([504, "function_timeout"]);
    expect(sent[0]?.signal.aborted).toBe(true);
  });

  test("falls silent in the middle, also while events are relayed", async () => {
    functionReplies(({ signal }) => streamReply(hangingAfter(story.slice(0, 2), signal)));
    // Both at once: each of the attempts at either waits for the whole silence.
    const [response, streamed] = await Promise.all([
      askJson({ question: "?" }),
      askJson({ question: "?", stream: true }),
    ]);
    if (streamed.body === null) throw new Error("no body");
    const [code, messages] = await Promise.all([
      codeOf(response),
      collect(decodeSse(streamed.body)),
    ]);
    expect([response.status, code]).toEqual([504, "function_timeout"]);
    expect(messages.map(({ event }) => event)).toEqual([
      "answer.started",
      "answer.frame",
      "answer.failed",
    ]);
    expect(JSON.parse(messages.at(-1)?.data ?? "")).toMatchObject({
      code: "function_timeout",
      instance: streamed.headers.get("location"),
      retryable: true,
    });
  });

  test("heartbeats while it thinks for longer than silence may last", async () => {
    functionReplies(() => {
      const text = story.map((event) => encodeSse(eventMessage(event, "ans_x"))).join("");
      let beats = 0;
      return streamReply(
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 150));
            beats += 1;
            controller.enqueue(utf8.encode(beats < 6 ? ":\n\n" : text));
            if (beats === 6) controller.close();
          },
        }),
      );
    });
    expect((await askJson({ question: "?" })).status).toBe(200);
  });
});

describe("POST /v1/answers withstands a caller who", () => {
  test("leaves a stream in the middle and comes back with its last id: the work runs once", async () => {
    const { promise: isBack, resolve: comeBack } = Promise.withResolvers<void>();
    const { sent } = functionReplies(({ headers }) => {
      const whole = storyWithAlternatives(Number(headers.get(ALTERNATIVES_HEADER)));
      const [early, late] = [whole.slice(0, 2), whole.slice(2)].map((events) =>
        utf8.encode(events.map((event) => encodeSse(eventMessage(event, "ans_x"))).join("")),
      );
      return streamReply(
        new ReadableStream({
          async start(controller) {
            controller.enqueue(early);
            await isBack;
            controller.enqueue(late);
            controller.close();
          },
        }),
      );
    });
    const response = await askJson({ question: "?", cache: "off", stream: true, alternatives: 2 });
    if (response.body === null) throw new Error("no body");
    let last = "";
    for await (const { event, id = "", data } of decodeSse(response.body)) {
      last = id;
      if (event === "answer.frame") expect(alternativesIn(data)).toEqual([2, 2]);
      if (event === "answer.frame") break;
    }
    expect(last).toMatch(/^ans_[0-9A-Za-z]{21}\.1$/);
    expect(sent[0]?.signal.aborted).toBe(false);
    const path = `${response.headers.get("location")}/events`;
    const again = await ask(path, { headers: { "last-event-id": last } });
    comeBack();
    if (again.body === null) throw new Error("no body");
    const rest = await collect(decodeSse(again.body));
    expect(rest.map(({ event, id }) => [event, id?.split(".")[1]])).toEqual([
      ["answer.frame", "2"],
      ["answer.completed", "3"],
    ]);
    expect(rest.map(({ data }) => alternativesIn(data))).toEqual([[2, 2], []]);
    expect(sent.length).toBe(1);
    // Told again to who has heard nothing, as it was kept.
    const anew = await ask(path);
    if (anew.body === null) throw new Error("no body");
    const all = await collect(decodeSse(anew.body));
    expect(all.map(({ data }) => alternativesIn(data))).toEqual([[], [2, 2], [2, 2], []]);
  });

  test("leaves a plain request: it is cancelled, unless its Idempotency-Key can find it again", async () => {
    const { sent } = functionReplies(({ signal }) =>
      streamReply(hangingAfter(story.slice(0, 2), signal)),
    );
    const leave = async (headers: HeadersInit): Promise<void> => {
      const asks = sent.length;
      const leaving = new AbortController();
      const reply = ask("/v1/answers", {
        method: "POST",
        body: JSON.stringify({ question: "?", cache: "off" }),
        headers: { "content-type": "application/json", ...headers },
        signal: leaving.signal,
      });
      await vi.waitFor(() => expect(sent.length).toBe(asks + 1));
      leaving.abort();
      await reply.catch(() => undefined);
    };
    await leave({});
    await vi.waitFor(() => expect(sent[0]?.signal.aborted).toBe(true));
    await leave({ "idempotency-key": crypto.randomUUID() });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent[1]?.signal.aborted).toBe(false);
    await vi.waitFor(async () => {
      const { data } = await (await ask("/v1/answers?status=running")).json<{ data: Listed[] }>();
      for (const { id } of data) await ask(`/v1/answers/${id}/cancel`, { method: "POST" });
      expect(sent[1]?.signal.aborted).toBe(true);
    });
  });

  test("sends a name for the request that would break the log", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson({ question: "?" }, { "x-request-id": 'a"b\\' });
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  });

  test("nests JSON deeper than any stack", async () => {
    const response = await ask("/v1/answers", {
      method: "POST",
      body: `{"question":${"[".repeat(200_000)}`,
      headers: { "content-type": "application/json" },
    });
    expect([response.status, await codeOf(response)]).toEqual([400, "invalid_request"]);
  });

  test("is told nothing of what broke inside", async () => {
    functionReplies(() =>
      eventReply([{ kind: "answer.failed", failure: failures.ticket_refused }]),
    );
    const text = await (await askJson({ question: "?" })).text();
    expect(text).toContain('"internal"');
    expect(text).not.toContain("ticket");
  });
});
