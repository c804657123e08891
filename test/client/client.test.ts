import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AnswerUpdate } from "#client/answer-stream.ts";
import { type Client, createClient } from "#client/client.ts";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import { problemResponse } from "#wire/error.ts";
import { chunked, collect, failures, pngBytes } from "../support/edge-builders.ts";

const recording = readFileSync("test/fixtures/answer.sse");
const refused = readFileSync("test/fixtures/answer-failed.sse");

/** A client whose network is `reply`; what it sends lands in `sent`. */
function clientOf(reply: (request: Request) => Response | Promise<Response>): {
  client: Client;
  sent: Request[];
} {
  const sent: Request[] = [];
  const client = createClient({
    baseUrl: "http://api.test/",
    apiKey: "umk_test_x",
    fetch: async (input, init) => {
      const request = new Request(input, init);
      sent.push(request.clone());
      return await reply(request);
    },
  });
  return { client, sent };
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
  /** A network that sends the start of an answer and then waits for the end of the request. */
  function endless(): { client: Client; ended: Promise<unknown> } {
    const ended = Promise.withResolvers<unknown>();
    const { client } = clientOf(({ signal }) => {
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
    return { client, ended: ended.promise };
  }

  test("by leaving the loop ends the request, and who awaits hears of it", async () => {
    const { client, ended } = endless();
    const asked = client.ask({ question: "?" });
    for await (const update of asked) {
      expect(update.event).toBe("answer.started");
      break;
    }
    await ended;
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
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
