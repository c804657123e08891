import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AnswerUpdate } from "#client/answer-stream.ts";
import { type Client, createClient } from "#client/client.ts";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import type { ClientOptions } from "#client/send.ts";
import { problemResponse } from "#wire/error.ts";
import { chunked, collect, failures, pngBytes } from "../support/edge-builders.ts";

const recording = readFileSync("test/fixtures/answer.sse");
const refused = readFileSync("test/fixtures/answer-failed.sse");

/** A client whose network is `reply`; what it sends lands in `sent`. */
function clientOf(
  reply: (request: Request) => Response | Promise<Response>,
  overrides: Partial<ClientOptions> = {},
): {
  client: Client;
  sent: Request[];
  /** Milliseconds that the client waited before it asked again. */
  waited: number[];
} {
  const sent: Request[] = [];
  // A request that nobody holds is collected, and its signal then hears no abort any more.
  const held: Request[] = [];
  const waited: number[] = [];
  const client = createClient({
    baseUrl: "http://api.test/",
    apiKey: "umk_test_x",
    fetch: async (input, init) => {
      const request = new Request(input, init);
      held.push(request);
      sent.push(request.clone());
      return await reply(request);
    },
    sleep: async (milliseconds) => void waited.push(milliseconds),
    random: () => 0.5,
    ...overrides,
  });
  return { client, sent, waited };
}

function streamOf(bytes: Uint8Array): Response {
  return new Response(chunked(bytes, [100, 333, 334]), {
    headers: { "content-type": "text/event-stream" },
  });
}

describe("a question through the client", () => {
  test("is awaited for the whole answer", async () => {
    const { client } = clientOf(() => streamOf(recording));
    const answer = await client.ask({ question: "What is this?" });
    expect(answer).toMatchObject({ object: "answer", answer: "A red square.", cached: false });
  });

  test("is iterated for its frames and awaited afterwards, in one request", async () => {
    const { client, sent } = clientOf(() => streamOf(recording));
    const asked = client.ask({ question: "What is this?" });
    const updates: AnswerUpdate[] = await collect(asked);
    expect(updates.map(({ event }) => event)).toEqual([
      "answer.started",
      "answer.frame",
      "answer.frame",
      "answer.completed",
    ]);
    expect((await asked).answer).toBe("A red square.");
    expect(sent).toHaveLength(1);
  });

  test("is not sent before anyone wants the answer", () => {
    const { client, sent } = clientOf(() => streamOf(recording));
    client.ask({ question: "What is this?" });
    expect(sent).toEqual([]);
  });

  test("carries files as they are, and every option by its name", async () => {
    const { client, sent } = clientOf(() => streamOf(recording));
    await client.ask({
      question: "What is this?",
      images: [pngBytes, new Blob([pngBytes])],
      canvas: 8,
      temperature: 1e-7,
      stop: ["a", "b"],
    });
    const form = await sent[0]?.formData();
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer umk_test_x");
    expect(form?.getAll("image").map((file) => (file instanceof File ? file.size : file))).toEqual([
      pngBytes.length,
      pngBytes.length,
    ]);
    expect([form?.get("canvas"), form?.get("temperature")]).toEqual(["8", "1e-7"]);
    expect(form?.getAll("stop")).toEqual(["a", "b"]);
  });
});

describe("a question through the client fails", () => {
  test("as a refusal, with the service's own words and when to come back", async () => {
    const { client } = clientOf(() =>
      problemResponse(failures.weights_loading, { requestId: "req_1", instance: "/v1/answers" }),
    );
    const error = await client.ask({ question: "?" }).then(undefined, (reason) => reason);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({
      retryAfterSeconds: 41,
      problem: { code: "weights_loading", request_id: "req_1", retryable: true },
    });
  });

  test("as a refusal in the middle of the stream, in the loop and for who awaits", async () => {
    const { client } = clientOf(() => streamOf(refused));
    const asked = client.ask({ question: "?" });
    await expect(collect(asked)).rejects.toBeInstanceOf(RefusedError);
    await expect(asked).rejects.toMatchObject({ problem: { code: "function_timeout" } });
  });

  test.each<[string, () => Response, unknown]>([
    ["half a stream", () => streamOf(recording.subarray(0, 300)), ConnectionError],
    ["a proxy's page", () => new Response("<h1>hello</h1>", { status: 502 }), ReplyError],
    ["another site's page", () => new Response("<h1>hello</h1>"), ReplyError],
    ["other JSON", () => Response.json({ error: "no" }, { status: 500 }), ReplyError],
    ["another stream", () => streamOf(new TextEncoder().encode("data: [DONE]\n\n")), ReplyError],
  ])("by name for %s", async (_, reply, kind) => {
    await expect(clientOf(reply).client.ask({ question: "?" })).rejects.toBeInstanceOf(kind);
  });

  test("as a lost connection when nobody is there", async () => {
    const { client } = clientOf(() => {
      throw new TypeError("fetch failed");
    });
    await expect(client.ask({ question: "?" })).rejects.toBeInstanceOf(ConnectionError);
    await expect(client.health()).rejects.toThrow("http://api.test/ cannot be reached");
  });
});

describe("giving a question up", () => {
  /** A network that sends the start of an answer and then waits for the end of the request; other paths are cancellations. */
  function endless(): { client: Client; ended: Promise<unknown>; sent: Request[] } {
    const ended = Promise.withResolvers<unknown>();
    const { client, sent } = clientOf(({ signal, url }) => {
      if (!url.endsWith("/v1/answers")) return Response.json({});
      signal.addEventListener("abort", () => ended.resolve(signal.reason));
      const start = recording.subarray(0, recording.indexOf("\n\n") + 2);
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array(start));
          signal.addEventListener("abort", () => controller.error(signal.reason));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    return { client, ended: ended.promise, sent };
  }

  test("by leaving the loop ends the request, cancels the answer, and who awaits hears of it", async () => {
    const { client, ended, sent } = endless();
    const asked = client.ask({ question: "?" });
    for await (const update of asked) {
      expect(update.event).toBe("answer.started");
      break;
    }
    await ended;
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(sent.at(-1)?.url).toMatch(/\/v1\/answers\/ans_[0-9A-Za-z]+\/cancel$/);
  });

  test("by abort() rejects with that reason, before or after it is sent", async () => {
    const early = endless().client.ask({ question: "?" });
    early.abort("too early");
    await expect(early).rejects.toBe("too early");

    const { client, ended } = endless();
    const late = client.ask({ question: "?" });
    setTimeout(() => late.abort("enough"), 20);
    await expect(late).rejects.toBe("enough");
    expect(await ended).toBe("enough");
  });

  test("by the caller's signal rejects with its reason", async () => {
    const { client, ended } = endless();
    const controller = new AbortController();
    setTimeout(() => controller.abort("no time"), 20);
    const asked = client.ask({ question: "?" }, { signal: controller.signal });
    await expect(asked).rejects.toBe("no time");
    await ended;
  });
});

describe("the other questions", () => {
  test("about pictures elsewhere travel as JSON, files beside them as base64", async () => {
    const { client, sent } = clientOf(() => streamOf(recording));
    await client.ask({
      question: "?",
      images: [{ url: "https://a.test/b.png" }, pngBytes],
      stop: ".",
    });
    expect(await sent[0]?.json()).toEqual({
      question: "?",
      stop: ".",
      images: [{ url: "https://a.test/b.png" }, { data: Buffer.from(pngBytes).toString("base64") }],
    });
  });

  test("bring pictures in the turn in which they are spoken of", async () => {
    const { client, sent } = clientOf(() => streamOf(recording));
    const data = Buffer.from(pngBytes).toString("base64");
    await client.ask({
      messages: [
        { role: "user", content: "What is this?", images: [pngBytes] },
        { role: "assistant", content: "A dog." },
        { role: "user", content: "And this?", images: [{ id: "img_1" }] },
      ],
    });
    expect(await sent[0]?.json()).toEqual({
      messages: [
        { role: "user", content: "What is this?", images: [{ data }] },
        { role: "assistant", content: "A dog." },
        { role: "user", content: "And this?", images: [{ id: "img_1" }] },
      ],
    });
  });

  test("go to their addresses", async () => {
    const { client, sent } = clientOf(() => Response.json({ data: [], next_cursor: null }));
    await client.answers.get("ans_1");
    await client.answers.cancel("ans_1");
    await client.answers.replay("ans_1");
    await Array.fromAsync(client.answers.list({ status: "failed" }));
    await client.quote({ question: "?" });
    await client.images.upload(pngBytes);
    await client.batches.create({ items: [{ question: "?" }] });
    await Array.fromAsync(client.batches.results("bat_1"));
    expect(
      sent.map(({ method, url }) => `${method} ${url.slice("http://api.test/v1/".length)}`),
    ).toEqual([
      "GET answers/ans_1",
      "POST answers/ans_1/cancel",
      "POST answers/ans_1/replay",
      "GET answers?limit=100&status=failed",
      "POST quotes",
      "POST images",
      "POST batches",
      "GET batches/bat_1/results?limit=100",
    ]);
    expect(sent[6]?.headers.get("idempotency-key")).toMatch(/^[0-9a-f]{32}$/);
  });

  test("get their bodies, health without a key", async () => {
    const { client, sent } = clientOf(() => Response.json({ status: "ok" }));
    expect(await client.health()).toEqual({ status: "ok" });
    await client.models();
    expect(sent.map(({ url }) => url)).toEqual([
      "http://api.test/health",
      "http://api.test/v1/models",
    ]);
  });
});
