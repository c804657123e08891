import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { AnswerUpdate } from "#client/answer-stream.ts";
import { type Client, createClient } from "#client/client.ts";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import type { ClientOptions } from "#client/send.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { problemResponse } from "#wire/error.ts";
import { mutePeer } from "../support/bad-peers.ts";
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
  test.each([undefined, ""])(
    "where nobody said where the API is (%j), and says so",
    async (baseUrl) => {
      const { client, sent } = clientOf(() => new Response(recording), { baseUrl });
      await expect(client.ask({ question: "?" })).rejects.toThrow("baseUrl is not set");
      await expect(client.health()).rejects.toThrow("baseUrl is not set");
      expect(sent).toEqual([]);
    },
  );

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

describe("a call that goes wrong on its way", () => {
  const list = { object: "list", data: [], function: { state: "unreachable" } };

  test("is made again where its reply broke off", async () => {
    let calls = 0;
    const { client, waited } = clientOf(() => {
      calls += 1;
      const broken = new ReadableStream({
        start: (controller) => controller.error(new TypeError("terminated")),
      });
      return calls === 1 ? new Response(broken) : Response.json(list);
    });
    expect(await client.models()).toEqual(list);
    expect(waited).toHaveLength(1);
  });

  test("is not made again where the fault lasts", async () => {
    const { client, waited } = clientOf(() => {
      throw new TypeError("fetch failed", { cause: new Error("bad port") });
    });
    await expect(client.models()).rejects.toMatchObject({
      name: "ConnectionError",
      isLasting: true,
    });
    expect(waited).toEqual([]);
  });

  test("says so where its key holds a line break, and sends nothing", async () => {
    const { client, sent } = clientOf(() => Response.json(list), { apiKey: "umk\nx" });
    await expect(client.models()).rejects.toThrow("the key holds what no header can carry");
    expect(sent).toEqual([]);
  });

  test("ends where nobody says anything, or only a beginning", async () => {
    await using mute = await mutePeer();
    const impatient = createClient({ baseUrl: mute.url, timeoutMs: 20, retries: 0 });
    const late = { name: "ConnectionError", message: `${mute.url} did not answer within 0.02 s` };
    await expect(impatient.health()).rejects.toMatchObject(late);
    const beginning = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    });
    const halting = createClient({
      ...{ baseUrl: "http://api.test", timeoutMs: 20, retries: 0 },
      fetch: async (_, init) => {
        const { signal } = init ?? {};
        const body = beginning.pipeThrough(new TransformStream(), signal ? { signal } : {});
        return new Response(body);
      },
    });
    await expect(halting.models()).rejects.toMatchObject({ name: "ConnectionError" });
  });

  test("is the caller's to end, whatever it waits for", async () => {
    await using mute = await mutePeer();
    const patient = createClient({ baseUrl: mute.url, timeoutMs: 60_000 });
    const leaving = new AbortController();
    const asked = patient.health({ signal: leaving.signal });
    leaving.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
  });

  test.each([
    ["null", null],
    ["another API's", { hello: 1 }],
    ["a list", []],
  ])("is no reply of this API where it is %s", async (_, body) => {
    const { client } = clientOf(() => Response.json(body));
    await expect(client.models()).rejects.toBeInstanceOf(ReplyError);
    await expect(client.health()).rejects.toBeInstanceOf(ReplyError);
    await expect(Array.fromAsync(client.answers.list())).rejects.toBeInstanceOf(ReplyError);
    await expect(client.answers.replay("ans_1")).rejects.toBeInstanceOf(ReplyError);
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
    const { client, sent } = clientOf(() =>
      Response.json({ object: "list", data: [], next_cursor: null }),
    );
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

  test("score answers under a key of their own, and quote them, with their pictures in JSON", async () => {
    const { client, sent } = clientOf(() => Response.json({ object: "scores", scores: [] }));
    const images = [{ data: "cG5n" }];
    const ask = {
      question: "?",
      images: [pngBytes],
      answers: ["A dog."],
      method: "chain",
    } as const;
    await client.scores(ask);
    await client.scores({ ...ask, images }, { idempotencyKey: "mine" });
    await client.quote({ ...ask, images });
    expect(sent.map(({ url }) => url.slice("http://api.test".length))).toEqual([
      ...["/v1/scores", "/v1/scores", "/v1/quotes"],
    ]);
    const keys = sent.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), "mine", null]);
    const bodies = await Promise.all(sent.map((request) => request.json()));
    expect(bodies[0]).toEqual({ ...ask, images: [{ data: encodeBase64(pngBytes) }] });
    expect(bodies.slice(1)).toEqual([
      { ...ask, images },
      { ...ask, images },
    ]);
  });

  test("get their bodies, health without a key", async () => {
    const reply = { object: "list", data: [], function: { state: "unreachable" } };
    const { client, sent } = clientOf(() => Response.json(reply));
    expect(await client.health()).toEqual(reply);
    await client.models();
    expect(sent.map(({ url }) => url)).toEqual([
      "http://api.test/health",
      "http://api.test/v1/models",
    ]);
  });
});
