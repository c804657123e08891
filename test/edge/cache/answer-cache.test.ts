import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { micros } from "#domain/micros.ts";
import { ask as askFor } from "#edge/answers/ask.ts";
import { KeyTable } from "#edge/keys/key-store.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { parseKey } from "#wire/api/accounts/key.ts";
import { parseAnswerJson } from "#wire/api/answers/requests.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { encodeBase64 } from "#wire/codec/base64.ts";
import { decodeSse, encodeSse } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { jsonBody } from "../../support/bodies.ts";
import { collect, story, untold } from "../../support/edge-builders.ts";
import { testCaller } from "../caller.ts";
import { demoCard } from "../demo-card.ts";
import {
  ask,
  askJson,
  digest,
  eventReply,
  functionReplies,
  refusal,
  type SentRequest,
  streamReply,
} from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";
import { picture } from "../routes/images.ts";
import { modelReply } from "./model-reply.ts";

let asked = 0;
let clock = 0;
let served = digest;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "log").mockImplementation(() => {});
  served = digest;
  // What this isolate heard of the model before, perhaps from another test's function, is out of date by now.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ++clock * 2 * MODEL_MS });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A question that nobody has asked before. */
function fresh(fields: object = {}): object {
  asked += 1;
  return { question: `What is this? ${asked}`, canvas: 4, steps: 2, mode: "exact", ...fields };
}

/** Stands in for a function that answers after `delayMs`; counts its runs. */
function answering(
  reply: (sent: SentRequest) => Response = () => eventReply(story),
  delayMs = 0,
): { runs: () => number } {
  const { orders } = functionReplies(async (request) => {
    if (!request.url.endsWith(GENERATE_PATH)) return modelReply(served);
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return reply(request);
  }, "asked");
  return { runs: () => orders.length };
}

async function bodyOf(response: Response): Promise<AnswerBody> {
  return answerSchema.parse(await response.json());
}

function statusOf(response: Response): string | null {
  return response.headers.get("cache-status");
}

/** Asks until the answer is told from the cache: it is stored after the reply, never before. */
async function untilHit(what: object, headers: HeadersInit = {}): Promise<Response> {
  return await vi.waitFor(async () => {
    const response = await askJson(what, headers);
    if (statusOf(response)?.includes("; hit") !== true) {
      await response.body?.cancel();
      throw new Error(`it is ${statusOf(response)}`);
    }
    return response;
  });
}

describe("equal questions", () => {
  test("have one run, then the same answer from the cache, with the same strong tag", async () => {
    const { runs } = answering();
    const what = fresh();
    const first = await askJson(what);
    expect(statusOf(first)).toBe("unmask; fwd=miss; stored");
    const body = await bodyOf(first);
    const again = await untilHit(what);
    expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(again.headers.get("etag")).toBe(`"${body.digest}"`);
    expect(again.headers.get("cache-control")).toBe("private");
    expect(Number(again.headers.get("age"))).toBeLessThan(5);
    expect(await bodyOf(again)).toEqual({ ...body, cached: true, charged_micros: 0 });
    expect(runs()).toBe(1);
  });

  test("sent as other requests are told with the warnings of each: what was left out is the caller's own", async () => {
    const { runs } = answering();
    const { question, ...rest } = fresh() as { question: string };
    const asked = { role: "user", content: question };
    const plain = await bodyOf(await askJson({ ...rest, messages: [asked] }));
    const system = { role: "system", content: "Answer in German." };
    const what = { ...rest, messages: [system, asked] };
    const told = await bodyOf(await untilHit(what));
    expect([plain.warnings, told.warnings.map(({ code }) => code), told.answer]).toEqual([
      [],
      ["system_message_dropped"],
      plain.answer,
    ]);
    expect((await bodyOf(await untilHit({ ...rest, messages: [asked] }))).warnings).toEqual([]);
    expect(runs()).toBe(1);
  });

  test("asked 20 times at once by callers who will come back have one run", async () => {
    const { runs } = answering(undefined, 50);
    const what = fresh();
    const headers = { prefer: "respond-async" };
    const replies = await Promise.all(Array.from({ length: 20 }, () => askJson(what, headers)));
    const told = await Promise.all(replies.map(bodyOf));
    for (const { status } of replies) expect([200, 202]).toContain(status);
    const ids = new Set(told.map(({ id }) => id));
    // Each has a handle of their own, and one of them paid for the run.
    expect([ids.size, runs()]).toEqual([20, 1]);
  });

  test("asked 200 times at once have one run and one answer", async () => {
    const { runs } = answering(undefined, 200);
    const what = fresh();
    const replies = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const response = await askJson(what);
        return { status: statusOf(response), body: await bodyOf(response) };
      }),
    );
    expect(runs()).toBe(1);
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(1);
    expect(new Set(replies.map(({ body }) => body.digest)).size).toBe(1);
    const paid = replies.filter(({ body }) => body.charged_micros > 0);
    expect([paid.length, paid[0]?.body.cached]).toEqual([1, false]);
    expect(replies.filter(({ status }) => status?.includes("fwd=miss; stored"))).toHaveLength(1);
  });

  test("asked as a stream are told at once from the cache", async () => {
    answering();
    const what = fresh();
    await askJson(what);
    await untilHit(what);
    const stream = await askJson({ ...what, stream: true });
    if (stream.body === null) throw new Error("there is no stream");
    const events = await collect(decodeSse(stream.body));
    const end = events.find(({ event }) => event === "answer.completed");
    expect(JSON.parse(end?.data ?? "{}")).toMatchObject({ cached: true, answer: "A red square." });
  });

  test("can be read again under the hit's id", async () => {
    answering();
    const what = fresh();
    await askJson(what);
    const { id, digest: told } = await bodyOf(await untilHit(what));
    const shown = await ask(`/v1/answers/${id}`);
    expect(await bodyOf(shown)).toMatchObject({ id, digest: told });
  });
});

describe("a cached answer with a price", () => {
  const directives = { noStore: false, noCache: false, onlyIfCached: false, maxAge: null };

  /** Asks past the routes, of a model whose cached answers cost so many micro-dollars. */
  async function askPriced(what: object, key: string, hitMicros = 3) {
    const parsed = parseAnswerJson(jsonBody(what), untold);
    const known = parseKey(key);
    if (!parsed.ok || !known.ok) throw new Error("the test asks wrongly");
    const record = await new KeyTable(env.DB).find(known.value.id);
    if (record === undefined) throw new Error("there is no such key");
    const caller = { ...(await testCaller()), key: record };
    const asking = {
      request: parsed.value,
      card: { ok: true, value: { ...demoCard(), hitPrice: micros(hitMicros) } } as const,
      idempotency: null,
      directives,
      delivery: { kind: "body", waitMs: null } as const,
    };
    return { asked: await askFor(caller, asking), ledger: ledgerOf(env, record.accountId) };
  }

  test("is held and charged before it is told", async () => {
    answering();
    const what = fresh();
    const { key } = await openAccount();
    await askJson(what, { authorization: `Bearer ${key}` });
    await untilHit(what, { authorization: `Bearer ${key}` });
    const before = await (await askPriced(what, key)).ledger.balance();
    const { asked: found, ledger } = await askPriced(what, key);
    expect(found).toMatchObject({
      value: { told: { body: { cached: true, charged_micros: 3 } } },
    });
    const { available, held } = await ledger.balance();
    expect([before.available - available, held]).toEqual([3n, 0n]);
  });

  test("never costs more than its question's quote, nor than its caller will pay", async () => {
    answering();
    const what = fresh();
    const { key } = await openAccount();
    const first = await askJson(what, { authorization: `Bearer ${key}` });
    const { charged_micros: quoted } = await bodyOf(first);
    await untilHit(what, { authorization: `Bearer ${key}` });
    const { asked: found } = await askPriced(what, key, quoted + 10);
    expect(found).toMatchObject({
      value: { told: { body: { cached: true, charged_micros: quoted } } },
    });
    const bounded = { ...what, max_price_micros: quoted - 1 };
    const { asked: refused } = await askPriced(bounded, key, quoted + 10);
    expect(refused).toMatchObject({ refusal: { failure: { kind: "price_above_maximum" } } });
  });

  test("is refused to who cannot pay for it", async () => {
    answering();
    const what = fresh({ cache: "shared" });
    await askJson(what);
    await untilHit(what);
    const { key } = await openAccount({}, 0);
    const { asked: found } = await askPriced(what, key);
    expect(found).toMatchObject({ refusal: { failure: { kind: "insufficient_credit" } } });
  });
});

describe("a leader that comes to nothing", () => {
  test("is followed by another: its failure is told to nobody who joined it", async () => {
    let isFirst = true;
    const { runs } = answering(() => {
      const wasFirst = isFirst;
      isFirst = false;
      const failed: AnswerEvent = { kind: "answer.failed", failure: { kind: "internal" } };
      return eventReply(wasFirst ? [failed] : story);
    }, 50);
    const what = fresh();
    const replies = await Promise.all(Array.from({ length: 8 }, () => askJson(what)));
    const statuses = replies.map(({ status }) => status).toSorted();
    expect([statuses, runs()]).toEqual([[200, 200, 200, 200, 200, 200, 200, 500], 2]);
  });

  test("by its own deadline leaves its partial answer to itself", async () => {
    let isFirst = true;
    const { runs } = answering(({ signal }) => {
      if (!isFirst) return eventReply(story);
      isFirst = false;
      return streamReply(hanging(story.slice(0, 2), signal));
    });
    const what = fresh();
    const leading = askJson({ ...what, deadline_ms: 100 });
    await vi.waitFor(() => expect(runs()).toBe(1));
    const [leader, ...joined] = await Promise.all([leading, askJson(what), askJson(what)]);
    const bodies = await Promise.all(joined.map(bodyOf));
    expect(await bodyOf(leader)).toMatchObject({ status: "partial" });
    expect(bodies.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(runs()).toBe(2);
  });
});

/** A stream that says this and then holds the line until it is dropped. */
function hanging(events: readonly AnswerEvent[], signal: AbortSignal): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const event of events)
        controller.enqueue(utf8.encode(encodeSse(eventMessage(event, "ans_x"))));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
}

describe("pools keep apart", () => {
  test("two accounts with the same question about the same picture", async () => {
    const { runs } = answering();
    const image = encodeBase64(picture(80));
    const what = fresh({ image });
    await askJson(what);
    const mine = await bodyOf(await untilHit(what));
    const { key } = await openAccount();
    const theirs = await askJson(what, { authorization: `Bearer ${key}` });
    expect(statusOf(theirs)).toBe("unmask; fwd=miss; stored");
    const body = await bodyOf(theirs);
    expect([body.cached, body.id === mine.id, runs()]).toEqual([false, false, 2]);
  });

  test("who shares and who does not; who shares gets the answer under an id of their own", async () => {
    const { runs } = answering();
    const what = fresh({ cache: "shared" });
    const first = await bodyOf(await askJson(what));
    await untilHit(what);
    const { key } = await openAccount();
    const authorization = `Bearer ${key}`;
    const theirs = await bodyOf(await askJson(what, { authorization }));
    expect(theirs).toMatchObject({ cached: true, digest: first.digest, charged_micros: 0 });
    expect(theirs.id).not.toBe(first.id);
    await vi.waitFor(async () => {
      const shown = await ask(`/v1/answers/${theirs.id}`, { headers: { authorization } });
      expect(await bodyOf(shown)).toMatchObject({ id: theirs.id, digest: first.digest });
    });
    expect((await ask(`/v1/answers/${first.id}`, { headers: { authorization } })).status).toBe(404);
    expect(statusOf(await askJson({ ...what, cache: "private" }))).toContain("fwd=miss");
    expect(runs()).toBe(2);
  });

  test("the weights: a switch of models is a miss", async () => {
    const { runs } = answering();
    const what = fresh();
    await askJson(what);
    await untilHit(what);
    served = "ee".repeat(32);
    vi.setSystemTime(Date.now() + MODEL_MS);
    expect(statusOf(await askJson(what))).toBe("unmask; fwd=miss; stored");
    expect(runs()).toBe(2);
  });
});

describe("Cache-Control of a request", () => {
  test("no-store runs and keeps nothing", async () => {
    const { runs } = answering();
    const what = fresh();
    const headers = { "cache-control": "no-store" };
    expect(statusOf(await askJson(what, headers))).toBe("unmask; fwd=bypass");
    expect(statusOf(await askJson(what))).toContain("fwd=miss");
    expect(runs()).toBe(2);
  });

  test("no-cache runs although an answer is there", async () => {
    const { runs } = answering();
    const what = fresh();
    await askJson(what);
    await untilHit(what);
    const afresh = await askJson(what, { "cache-control": "no-cache" });
    expect((await bodyOf(afresh)).cached).toBe(false);
    expect(runs()).toBe(2);
  });

  test("only-if-cached runs nothing: 504 not_cached, then the answer", async () => {
    const { runs } = answering();
    const what = fresh();
    const headers = { "cache-control": "only-if-cached" };
    const problem = await refusal(await askJson(what, headers));
    expect([problem.code, problem.status, runs()]).toEqual(["not_cached", 504, 0]);
    await askJson(what);
    const found = await untilHit(what, headers);
    expect([(await bodyOf(found)).cached, runs()]).toEqual([true, 1]);
  });

  test("max-age takes no older answer", async () => {
    const { runs } = answering();
    const what = fresh();
    await askJson(what);
    await untilHit(what);
    vi.setSystemTime(Date.now() + 20_000);
    expect(statusOf(await askJson(what, { "cache-control": "max-age=30" }))).toContain("hit");
    expect(statusOf(await askJson(what, { "cache-control": "max-age=10" }))).toContain("miss");
    expect(runs()).toBe(2);
  });

  test("is not needed to keep out of the cache: cache off says it in the body", async () => {
    const { runs } = answering();
    const what = fresh({ cache: "off" });
    await askJson(what);
    expect(statusOf(await askJson(what))).toBe("unmask; fwd=bypass");
    expect(runs()).toBe(2);
  });
});

test("a cache that cannot be reached costs nobody their answer", async () => {
  answering();
  vi.spyOn(env.CACHE, "getByName").mockImplementation(() => {
    throw new Error("the cache is away");
  });
  const response = await askJson(fresh());
  expect([response.status, statusOf(response)]).toEqual([200, "unmask; fwd=bypass"]);
});

describe("Cache-Status says stored", () => {
  async function told(what: object, headers: HeadersInit = {}): Promise<string | null> {
    const response = await askJson(what, headers);
    await response.text();
    return statusOf(response);
  }

  test("of a completed answer", async () => {
    answering();
    expect(await told(fresh())).toBe("unmask; fwd=miss; stored");
  });

  test("never before its end, which a stream and who comes back are told later", async () => {
    answering(undefined, 200);
    expect(await told(fresh({ stream: true }))).toBe("unmask; fwd=miss");
    expect(await told(fresh(), { prefer: "respond-async" })).toBe("unmask; fwd=miss");
    const chat = await ask("/v1/chat/completions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "?" }], seed: 7, stream: true }),
    });
    await chat.text();
    expect(statusOf(chat)).toBe("unmask; fwd=miss");
  });

  test("never of one that was cut, or failed", async () => {
    answering();
    expect(await told(fresh({ deadline_ms: 0 }))).toBe("unmask; fwd=miss");
    answering(() => eventReply([{ kind: "answer.failed", failure: { kind: "internal" } }]));
    expect(await told(fresh())).toBe("unmask; fwd=miss");
  });
});
