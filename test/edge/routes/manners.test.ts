import { afterEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { decodeSse } from "#wire/codec/sse.ts";
import { collect, failures, story } from "../../support/edge-builders.ts";
import { ask, askJson, eventReply, functionReplies, refusal } from "../function-double.ts";
import { endOfBatch, items, postBatch } from "./batch-calls.ts";
import { chat, post } from "./compatible-calls.ts";
import { replay } from "./replays.ts";

afterEach(() => vi.restoreAllMocks());

const fresh = (fields: object = {}): object => ({
  ...{ question: `What is ${crypto.randomUUID()}?`, canvas: 4, steps: 2 },
  ...fields,
});

describe("every reply forbids guessing what it is", () => {
  test.each([
    ["a page of a list", "/v1/answers", {}],
    ["a refusal", "/v1/nothing", {}],
    ["a stranger's refusal", "/v1/answers", { headers: { authorization: "Bearer x" } }],
    ["the description", "/openapi.json", {}],
    [
      "a preflight",
      "/v1/answers",
      {
        method: "OPTIONS",
        headers: { origin: "https://a.test", "access-control-request-method": "POST" },
      },
    ],
  ])("%s", async (_, path, init) => {
    const response = await ask(path, init);
    await response.body?.cancel();
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("a stream", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson(fresh({ stream: true }));
    await response.text();
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });
});

describe("a compressed body", () => {
  test.each(["/v1/answers", "/v1/quotes", "/v1/batches", "/v1/images"])(
    "is refused by %s, which says what is taken",
    async (path) => {
      const stream = new Response(JSON.stringify(fresh())).body;
      const response = await ask(path, {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": "gzip" },
        body: stream?.pipeThrough(new CompressionStream("gzip")) ?? null,
      });
      expect(response.headers.get("accept-encoding")).toBe("identity");
      expect(await refusal(response)).toMatchObject({
        status: 415,
        code: "unsupported_media_type",
        detail: "Send the body uncompressed, not one with Content-Encoding gzip.",
      });
    },
  );

  test("is refused in a chat's own shape", async () => {
    const response = await post("/v1/chat/completions", chat(), { "content-encoding": "br" });
    expect([response.status, await response.json()]).toMatchObject([
      415,
      { error: { code: "unsupported_media_type" } },
    ]);
  });

  test("that only says that it is not one is taken", async () => {
    functionReplies(() => eventReply(story));
    expect((await askJson(fresh(), { "content-encoding": "identity" })).status).toBe(200);
  });
});

describe("If-None-Match: *", () => {
  test("is told that there is one", async () => {
    functionReplies(() => eventReply(story));
    const { id } = answerSchema.parse(await (await askJson(fresh())).json());
    const headers = { "if-none-match": "*" };
    const response = await ask(`/v1/answers/${id}`, { headers });
    expect([response.status, await response.text()]).toEqual([304, ""]);
    expect((await ask("/v1/answers/ans_none", { headers })).status).toBe(404);
  });
});

describe("an EventSource that comes back after the end", () => {
  async function lastEventOf(events: readonly AnswerEvent[]): Promise<[string, string]> {
    functionReplies(() => eventReply(events));
    const response = await askJson(fresh({ stream: true }));
    const messages = response.body === null ? [] : await collect(decodeSse(response.body));
    return [`${response.headers.get("location")}/events`, messages.at(-1)?.id ?? ""];
  }

  test.each<[string, readonly AnswerEvent[]]>([
    ["completed", story],
    [
      "failed",
      [...story.slice(0, 2), { kind: "answer.failed", failure: failures.prompt_too_long }],
    ],
  ])("of a %s answer is told to stop", async (_, events) => {
    const [path, id] = await lastEventOf(events);
    const again = await ask(path, {
      headers: { "last-event-id": id, accept: "text/event-stream" },
    });
    expect([again.status, again.headers.get("content-type"), await again.text()]).toEqual([
      204,
      null,
      "",
    ]);
  });

  test("and has not heard the end yet hears it", async () => {
    const [path, id] = await lastEventOf(story);
    const before = id.replace(/\.3$/, ".2");
    const response = await ask(path, { headers: { "last-event-id": before } });
    expect(await response.text()).toContain("event: answer.completed");
  });
});

describe("who takes no events", () => {
  test("is told so where there is nothing else, and where the same is JSON", async () => {
    functionReplies(() => eventReply(story));
    const { id } = answerSchema.parse(await (await askJson(fresh())).json());
    for (const accept of ["application/json", "*/*, text/event-stream;q=0"]) {
      const response = await ask(`/v1/answers/${id}/events`, { headers: { accept } });
      expect(await refusal(response)).toMatchObject({
        ...{ status: 406, code: "not_acceptable" },
        detail: `What is here is text/event-stream, which Accept leaves out. /v1/answers/${id} tells the same as JSON.`,
      });
    }
    for (const accept of ["text/event-stream", "*/*", "application/json, text/*;q=0.1"]) {
      const response = await ask(`/v1/answers/${id}/events`, { headers: { accept } });
      expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
      await response.text();
    }
  });
});

describe("Accept with q=0", () => {
  test("asks for no events", async () => {
    functionReplies(() => eventReply(story));
    const response = await askJson(fresh(), { accept: "text/event-stream;q=0, */*" });
    expect(response.headers.get("content-type")).toBe("application/json");
    await response.text();
  });

  test("asks for no CSV", async () => {
    const response = await ask("/v1/usage", {
      headers: { accept: "application/json, text/csv;q=0" },
    });
    expect(response.headers.get("content-type")).toBe("application/json");
    await response.text();
  });
});

describe("what was charged stands in the log once, whatever route asked", () => {
  /** The charges that the log tells while `work` is done, and the requests' lines. */
  async function logged(work: () => Promise<unknown>): Promise<{
    readonly charges: readonly Record<string, unknown>[];
    readonly requests: readonly Record<string, unknown>[];
  }> {
    const log = vi.spyOn(console, "log").mockImplementation(() => {});
    await work();
    const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
    log.mockRestore();
    const requests = lines.filter(({ event }) => event === "request");
    // What an earlier test did not wait for may be charged meanwhile.
    const own = new Set(requests.map(({ answer }) => answer));
    const charges = lines.filter(({ event, answer }) => event === "charge" && own.has(answer));
    return { charges, requests };
  }

  const readAll = async (response: Promise<Response>): Promise<string> =>
    await (await response).text();
  const completions = "/v1/chat/completions";

  test.each<[string, () => Promise<unknown>]>([
    ["an answer", () => readAll(askJson(fresh()))],
    ["a stream", () => readAll(askJson(fresh({ stream: true })))],
    [
      "an answer that is come back for",
      async () => {
        const response = await askJson(fresh(), { prefer: "respond-async" });
        await readAll(ask(`${response.headers.get("location")}/events`));
      },
    ],
    ["a chat", () => readAll(post(completions, chat({ seed: 5 })))],
    ["a streamed chat", () => readAll(post(completions, chat({ seed: 6, stream: true })))],
    ["Moondream's query", () => readAll(post("/v1/query", { question: "What is it?" }))],
    [
      "a batch of two",
      async () => {
        const { id }: { id: string } = await (await postBatch({ items: items(2) })).json();
        await endOfBatch(id);
      },
    ],
    [
      "an answer that is asked for twice with one Idempotency-Key",
      async () => {
        const headers = { "idempotency-key": crypto.randomUUID() };
        const body = fresh();
        await readAll(askJson(body, headers));
        await readAll(askJson(body, headers));
      },
    ],
  ])("%s", async (_, work) => {
    functionReplies(() => eventReply(story));
    const { charges, requests } = await logged(work);
    expect(charges).toEqual([
      {
        event: "charge",
        answer: requests[0]?.["answer"],
        account: "acc_test",
        key: expect.any(String),
        model: "unmask-demo",
        steps: expect.any(Number),
        charged_micros: expect.any(Number),
      },
    ]);
    expect(charges[0]?.["charged_micros"]).toBeGreaterThan(0);
    for (const line of requests) expect(line).not.toHaveProperty("charged_micros");
  });

  test("a replay beside the answer that it repeats", async () => {
    functionReplies(() => eventReply(story));
    const { charges } = await logged(async () => {
      const { id } = answerSchema.parse(await (await askJson(fresh())).json());
      await readAll(replay(id));
    });
    expect(charges).toHaveLength(2);
  });
});
