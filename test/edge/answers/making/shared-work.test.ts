import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { SharedWork } from "#edge/answers/making/shared-work.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { decodeSse, encodeSse, type SseMessage } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { ALTERNATIVES_HEADER, GENERATE_PATH } from "#wire/function/generate.ts";
import { collect, story, storyWithAlternatives } from "../../../support/edge-builders.ts";
import { answerObject } from "../../answer-objects.ts";
import { modelReply } from "../../cache/model-reply.ts";
import {
  ask,
  askJson,
  digest,
  eventReply,
  functionReplies,
  type SentRequest,
  streamReply,
} from "../../function-double.ts";
import { openAccount } from "../../routes/administration.ts";

let asked = 0;
let clock = 0;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ++clock * 2 * MODEL_MS });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A question that nobody has asked before. */
function fresh(fields: object = {}): object {
  asked += 1;
  return { question: `Who shares this? ${asked}`, canvas: 4, steps: 2, mode: "exact", ...fields };
}

/** A function that says the first `early` events, waits to be let go, and says the rest. */
function steady(
  early = 2,
  whole = story,
): {
  runs: () => readonly SentRequest[];
  letGo: () => void;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { orders } = functionReplies((request) => {
    if (!request.url.endsWith(GENERATE_PATH)) return modelReply(digest);
    return streamReply(inTwo(whole.slice(0, early), promise, whole.slice(early), request.signal));
  }, "asked");
  return { runs: () => orders, letGo: resolve };
}

function inTwo(
  early: readonly AnswerEvent[],
  until: Promise<void>,
  late: readonly AnswerEvent[],
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encode = (events: readonly AnswerEvent[]): Uint8Array =>
    new TextEncoder().encode(
      events.map((event) => encodeSse(eventMessage(event, "ans_x"))).join(""),
    );
  return new ReadableStream({
    async start(controller) {
      // As a function does that is at work: silence is no part of these tests, however long they take.
      const beats = setInterval(() => controller.enqueue(new TextEncoder().encode(":\n\n")), 200);
      signal.addEventListener("abort", () => {
        clearInterval(beats);
        controller.error(signal.reason);
      });
      controller.enqueue(encode(early));
      await until;
      clearInterval(beats);
      if (signal.aborted) return;
      controller.enqueue(encode(late));
      controller.close();
    },
  });
}

const later = { prefer: "respond-async" };

async function accepted(what: object, headers: HeadersInit = {}): Promise<string> {
  const response = await askJson(what, { ...later, ...headers });
  const { id } = answerSchema.parse(await response.json());
  expect(response.status).toBe(202);
  return id;
}

async function read(id: string, headers: HeadersInit = {}): Promise<AnswerBody> {
  return answerSchema.parse(await (await ask(`/v1/answers/${id}`, { headers })).json());
}

async function cancel(id: string): Promise<AnswerBody> {
  const response = await ask(`/v1/answers/${id}/cancel`, { method: "POST" });
  return answerSchema.parse(await response.json());
}

/** Ends the instance as a crash would. */
async function crash(id: string): Promise<void> {
  const killed = runInDurableObject(answerObject(id), (_, state) =>
    state.abort("the machine died"),
  );
  await killed.catch(() => undefined);
}

const random = crypto.getRandomValues.bind(crypto);

/** Has the answers that begin from here on lie in this one of their account's objects. */
function newAnswersLieIn(place: number): void {
  vi.spyOn(crypto, "getRandomValues").mockImplementation((array) => {
    const filled = random(array);
    if (array instanceof Uint8Array && array.length === 15) array[0] = place;
    return filled;
  });
}

/** For what comes in milliseconds where the machine is not busy. */
const inTime = { timeout: 8_000 };

async function hasStep(id: string, step: number): Promise<void> {
  await vi.waitFor(async () => expect((await read(id)).usage.steps).toBe(step), inTime);
}

/** Whether so many have come to a work that another answer leads: nothing is told about it. */
function comers(): (count: number) => Promise<void> {
  const follow = vi.spyOn(SharedWork.prototype, "follow");
  const watch = vi.spyOn(SharedWork.prototype, "watch");
  return async (count) => {
    await vi.waitFor(() => {
      const followers = new Set(follow.mock.calls.map(([follower]) => follower));
      expect(followers.size + watch.mock.calls.length).toBeGreaterThanOrEqual(count);
    }, inTime);
  };
}

async function ended(id: string, headers: HeadersInit = {}): Promise<AnswerBody> {
  return await vi.waitFor(async () => {
    const body = await read(id, headers);
    expect(body.ended_at).not.toBeNull();
    return body;
  }, inTime);
}

async function eventsOf(response: Response): Promise<SseMessage[]> {
  if (response.body === null) throw new Error("there is no stream");
  return await collect(decodeSse(response.body));
}

describe("two who ask the same at once", () => {
  test("have a handle each: cancelling one leaves the other its answer, of the same run", async () => {
    const { runs, letGo } = steady();
    const what = fresh();
    const [first, second] = [await accepted(what), await accepted(what)];
    expect(first).not.toBe(second);
    await hasStep(second, 1);
    expect(await cancel(first)).toMatchObject({ status: "cancelled", usage: { steps: 1 } });
    expect(runs()[0]?.signal.aborted).toBe(false);
    letGo();
    const body = await ended(second);
    expect(body).toMatchObject({ id: second, status: "completed", answer: "A red square." });
    expect(runs().length).toBe(1);
    // Who stayed pays for the run, who left for the steps that had run.
    expect(body.charged_micros).toBeGreaterThan((await read(first)).charged_micros);
    expect((await read(first)).charged_micros).toBeGreaterThan(0);
  });

  test("cancelling who came later changes nothing for who came first, and costs nothing", async () => {
    const { runs, letGo } = steady();
    const what = fresh();
    const [first, second] = [await accepted(what), await accepted(what)];
    await hasStep(second, 1);
    expect(await cancel(second)).toMatchObject({ status: "cancelled", charged_micros: 0 });
    expect(runs()[0]?.signal.aborted).toBe(false);
    letGo();
    expect(await ended(first)).toMatchObject({ status: "completed", cached: false });
    expect(runs().length).toBe(1);
  });

  test("both leaving stops the work", async () => {
    const { runs } = steady();
    const what = fresh();
    const [first, second] = [await accepted(what), await accepted(what)];
    await hasStep(second, 1);
    await cancel(first);
    expect(runs()[0]?.signal.aborted).toBe(false);
    expect(await cancel(second)).toMatchObject({ status: "cancelled" });
    await vi.waitFor(() => expect(runs()[0]?.signal.aborted).toBe(true), inTime);
    expect(runs().length).toBe(1);
  });

  test("pay for one run between them, and the one who took part is told so", async () => {
    const { letGo } = steady();
    const what = fresh();
    const [first, second] = [await accepted(what), await accepted(what)];
    letGo();
    const [one, other] = [await ended(first), await ended(second)];
    expect([one.cached, other.cached, other.charged_micros]).toEqual([false, true, 0]);
    expect(one.charged_micros).toBeGreaterThan(0);
    expect(other.digest).toBe(one.digest);
  });

  test("keep their own deadlines", async () => {
    const { runs, letGo } = steady();
    const what = fresh();
    const first = await accepted(what);
    await hasStep(first, 1);
    const cut = answerSchema.parse(
      await (await askJson({ ...what, deadline_ms: 900 }, { prefer: "wait=20" })).json(),
    );
    expect(cut).toMatchObject({ status: "partial", answer: "A red", charged_micros: 0 });
    letGo();
    expect(await ended(first)).toMatchObject({ status: "completed" });
    expect(runs().length).toBe(1);
  });

  test("as streams both hear every step, whoever came first", async () => {
    const { runs, letGo } = steady();
    const what = fresh({ stream: true });
    const first = await askJson(what);
    await hasStep(first.headers.get("location")?.slice("/v1/answers/".length) ?? "", 1);
    const second = await askJson(what);
    expect(second.headers.get("cache-status")).toBe("unmask; fwd=miss; collapsed");
    const told = Promise.all([eventsOf(first), eventsOf(second)]);
    letGo();
    const whole = ["answer.started", "answer.frame", "answer.frame", "answer.completed"];
    for (const messages of await told) expect(messages.map(({ event }) => event)).toEqual(whole);
    const [[one], [other]] = await told;
    expect(one?.id).not.toBe(other?.id);
    expect(runs().length).toBe(1);
  });

  test("as streams are each told as many other tokens as they asked for, of those that the one run tells", async () => {
    const { runs, letGo } = steady(2, storyWithAlternatives(2));
    const what = fresh({ stream: true });
    const first = await askJson({ ...what, alternatives: 2 });
    await hasStep(first.headers.get("location")?.slice("/v1/answers/".length) ?? "", 1);
    const others = [await askJson(what), await askJson({ ...what, alternatives: 1 })];
    const told = Promise.all([first, ...others].map(eventsOf));
    letGo();
    const counts = (await told).map((messages) =>
      messages
        .filter(({ event }) => event === "answer.frame")
        .flatMap(({ data }) => JSON.parse(data).revealed)
        .map(({ alternatives }) => alternatives?.length),
    );
    expect(counts).toEqual([Array(4).fill(2), Array(4).fill(undefined), Array(4).fill(1)]);
    expect(runs().map(({ headers }) => headers.get(ALTERNATIVES_HEADER))).toEqual(["2"]);
  });

  test("of which one waits for the reply: it has it although the other left", async () => {
    const { runs, letGo } = steady();
    const what = fresh();
    const first = await accepted(what);
    await hasStep(first, 1);
    const haveCome = comers();
    const waiting = askJson(what);
    await haveCome(1);
    await cancel(first);
    letGo();
    const body = answerSchema.parse(await (await waiting).json());
    expect(body).toMatchObject({ status: "completed", cached: false });
    expect(runs().length).toBe(1);
  });
});

describe("who takes part in the work of an answer", () => {
  test("whose function fails goes on with a run of its own", async () => {
    let runs = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    functionReplies(async (request) => {
      if (!request.url.endsWith(GENERATE_PATH)) return modelReply(digest);
      runs += 1;
      if (runs > 1) return eventReply(story);
      await promise;
      return eventReply([{ kind: "answer.failed", failure: { kind: "internal" } }]);
    }, "asked");
    const what = fresh();
    const [first, second] = [await accepted(what), await accepted(what)];
    resolve();
    expect((await ended(first)).status).toBe("failed");
    expect(await ended(second)).toMatchObject({ status: "completed", cached: false });
    expect(runs).toBe(2);
  });

  test("loses its leader before the work began: the first who lost it leads, the others follow", async () => {
    let runs = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    functionReplies(async (request) => {
      if (!request.url.endsWith(GENERATE_PATH)) return modelReply(digest);
      runs += 1;
      if (runs > 1) return eventReply(story);
      await promise;
      return new Response("", { status: 503 });
    }, "asked");
    const what = fresh();
    const leading = askJson(what);
    await vi.waitFor(() => expect(runs).toBe(1), inTime);
    const haveCome = comers();
    const followers = [await accepted(what), await accepted(what), await accepted(what)];
    await haveCome(3);
    resolve();
    expect((await leading).status).toBe(503);
    const bodies = [];
    for (const id of followers) bodies.push(await ended(id));
    expect(bodies.map(({ status }) => status)).toEqual(Array(3).fill("completed"));
    expect(bodies.filter(({ cached }) => !cached)).toHaveLength(1);
    expect(runs).toBe(2);
  });

  test("whose object dies goes on with a run of its own, from where it was", async () => {
    const { runs, letGo } = steady();
    const what = fresh();
    newAnswersLieIn(0);
    const first = await accepted(what);
    newAnswersLieIn(1);
    const second = await accepted(what);
    await hasStep(second, 1);
    letGo();
    await crash(first);
    expect(await ended(second)).toMatchObject({ status: "completed", answer: "A red square." });
    expect(runs().length).toBeLessThanOrEqual(3);
  });

  test("in the leader's own object is made again with it when that dies, and the runtime outlives both", async () => {
    const { runs, letGo } = steady();
    newAnswersLieIn(0);
    const what = fresh();
    const [first, second] = [await accepted(what), await accepted(what)];
    await hasStep(second, 1);
    letGo();
    await crash(first);
    await runDurableObjectAlarm(answerObject(first));
    for (const id of [first, second])
      expect(await ended(id)).toMatchObject({ status: "completed", answer: "A red square." });
    expect(runs().length).toBeLessThanOrEqual(3);
  });

  test("of another account in the shared pool keeps to itself", async () => {
    const { runs, letGo } = steady();
    const authorization = `Bearer ${(await openAccount()).key}`;
    const what = fresh({ cache: "shared" });
    const first = await accepted(what);
    const second = await accepted(what, { authorization });
    expect((await ask(`/v1/answers/${first}`, { headers: { authorization } })).status).toBe(404);
    expect((await ask(`/v1/answers/${second}`)).status).toBe(404);
    await cancel(first);
    letGo();
    expect(await ended(second, { authorization })).toMatchObject({ status: "completed" });
    expect(runs().length).toBe(1);
  });
});
