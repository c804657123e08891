import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { AnswerEvent } from "#domain/event.ts";
import { answersOf } from "#edge/answers/answer-client.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { LedgerObject } from "#edge/ledger/ledger-object.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { decodeSse, encodeSse, type SseMessage } from "#wire/codec/sse.ts";
import { eventMessage } from "#wire/function/event-messages.ts";
import { ALTERNATIVES_HEADER, MODEL_DIGEST_HEADER } from "#wire/function/generate.ts";
import { collect, failures, numerics, story } from "../../../support/edge-builders.ts";
import { answerObject } from "../../answer-objects.ts";
import {
  ask,
  askJson,
  eventReply,
  functionReplies,
  type SentRequest,
  streamReply,
} from "../../function-double.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const asked = { question: "What is this?", canvas: 4, steps: 2, mode: "exact", cache: "off" };
const answers = answersOf(env);
const mine = { accountId: "acc_test", owner: null };
const DAY_MS = 24 * 3_600_000;

/** What this question costs when it is completed. */
let quoted = 0;
beforeAll(async () => {
  functionReplies(() => new Response("", { status: 503 }));
  const response = await ask("/v1/quotes", {
    method: "POST",
    body: JSON.stringify({ question: asked.question, canvas: 4, steps: 2, mode: "exact" }),
    headers: { "content-type": "application/json" },
  });
  quoted = (await response.json<{ price_micros: number }>()).price_micros;
  vi.restoreAllMocks();
});

/** Says this, then nothing more until it is dropped. */
function hangingAfter(events: readonly AnswerEvent[], { signal }: SentRequest): Response {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const event of events)
        controller.enqueue(new TextEncoder().encode(encodeSse(eventMessage(event, "ans_x"))));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
  return streamReply(stream);
}

/** Has an answer begun, leaves it to itself, and says its id. */
async function begun(body: object = asked): Promise<string> {
  const response = await askJson({ ...body, stream: true });
  await response.body?.cancel("gone");
  return response.headers.get("location")?.replace("/v1/answers/", "") ?? "";
}

async function read(id: string): Promise<AnswerBody> {
  return answerSchema.parse(await (await ask(`/v1/answers/${id}`)).json());
}

/** Waits until the answer has taken this step. */
async function hasStep(id: string, step: number): Promise<void> {
  await vi.waitFor(async () => expect((await read(id)).usage.steps).toBe(step));
}

async function ended(id: string): Promise<AnswerBody> {
  const body = await answers.wait(id, mine, null);
  if (body === null) throw new Error("it is not there");
  return body;
}

async function events(id: string, lastEventId?: string): Promise<SseMessage[]> {
  const headers = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
  const { body } = await ask(`/v1/answers/${id}/events`, { headers });
  if (body === null) throw new Error("no body");
  return await collect(decodeSse(body));
}

function names(messages: readonly SseMessage[]): string[] {
  return messages.map(({ event }) => event);
}

/** Ends the instance as a crash would: nothing of its memory is left, and nobody is told. */
async function crash(id: string): Promise<void> {
  const object = answerObject(id);
  const killed = runInDurableObject(object, (_, state) => state.abort("the machine died"));
  await killed.catch(() => undefined);
}

/** Rings the alarm once what failed is to be tried again. */
async function ringLater(id: string): Promise<void> {
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 30_000);
  await runDurableObjectAlarm(answerObject(id));
  clock.mockRestore();
}

/** The account's revenue and what is held. */
async function books(): Promise<{ revenue: bigint; held: bigint }> {
  const { revenue, held } = await ledgerOf(env, "acc_test").balance();
  return { revenue, held };
}

describe("an answer whose object dies", () => {
  test("while it is made is made again by the next alarm: told once, charged once", async () => {
    const double = functionReplies((sent) =>
      double.orders.length === 1 ? hangingAfter(story.slice(0, 2), sent) : eventReply(story),
    );
    const before = await books();
    const id = await begun({ ...asked, alternatives: 1 });
    await hasStep(id, 1);
    await vi.waitFor(async () => {
      const kept = await runInDurableObject(answerObject(id), (_, { storage }) =>
        storage.sql
          .exec("SELECT record FROM answer WHERE answer = ? AND record LIKE 'progress/%'", id)
          .toArray(),
      );
      expect(kept).toEqual([{ record: "progress/0001" }]);
    });
    await crash(id);
    expect((await read(id)).status).toBe("running");
    expect(await runDurableObjectAlarm(answerObject(id))).toBe(true);
    const body = await ended(id);
    expect([body.status, body.answer, double.orders.length]).toEqual([
      "completed",
      "A red square.",
      2,
    ]);
    const alternatives = double.orders.map(({ headers }) => headers.get(ALTERNATIVES_HEADER));
    expect(alternatives).toEqual(["1", "1"]);
    expect(names(await events(id))).toEqual([
      "answer.started",
      "answer.frame",
      "answer.frame",
      "answer.completed",
    ]);
    const after = await books();
    expect([after.revenue - before.revenue, after.held]).toEqual([BigInt(quoted), before.held]);
  });

  test("between its end and the capture is not made again, and is charged by the alarm", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const before = await books();
    const { promise: isCaptured, resolve } = Promise.withResolvers<void>();
    const capture = vi.spyOn(LedgerObject.prototype, "capture").mockImplementation(() => {
      resolve();
      return new Promise(() => undefined);
    });
    const id = await begun();
    await isCaptured;
    await crash(id);
    capture.mockRestore();
    expect((await books()).revenue).toBe(before.revenue);
    expect(await read(id)).toMatchObject({ status: "completed", answer: "A red square." });
    await runDurableObjectAlarm(answerObject(id));
    const after = await books();
    expect([after.revenue - before.revenue, after.held]).toEqual([BigInt(quoted), before.held]);
    expect(sent.length).toBe(1);
  });

  test("again and again is given up after three attempts, and costs nothing", async () => {
    const double = functionReplies((sent) => hangingAfter(story.slice(0, 1), sent));
    const before = await books();
    const id = await begun();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await vi.waitFor(() => expect(double.orders.length).toBe(attempt));
      await crash(id);
      await runDurableObjectAlarm(answerObject(id));
    }
    const body = await ended(id);
    expect([body.status, body.error?.code, body.charged_micros]).toEqual(["failed", "internal", 0]);
    expect([double.orders.length, await books()]).toEqual([3, before]);
  });

  test("under a caller who waits is made again at once, and told to them", async () => {
    const double = functionReplies((sent) =>
      double.orders.length === 1 ? hangingAfter(story.slice(0, 2), sent) : eventReply(story),
    );
    const id = await begun();
    await hasStep(id, 1);
    const waiting = ended(id);
    await crash(id);
    expect(await waiting).toMatchObject({ status: "completed", answer: "A red square." });
    expect(double.orders.length).toBe(2);
  });

  test("after its end reads as before", async () => {
    functionReplies(() => eventReply(story));
    const id = await begun();
    const body = await ended(id);
    const told = await events(id);
    await crash(id);
    expect(await read(id)).toEqual(body);
    expect(await events(id)).toEqual(told);
  });
});

describe("an answer whose function", () => {
  test("dies at a step is made by the next, and no step is told twice", async () => {
    const double = functionReplies(() =>
      eventReply(double.orders.length === 1 ? story.slice(0, 2) : story),
    );
    const response = await askJson({ ...asked, stream: true });
    if (response.body === null) throw new Error("no body");
    const messages = await collect(decodeSse(response.body));
    expect(names(messages)).toEqual([
      "answer.started",
      "answer.frame",
      "answer.frame",
      "answer.completed",
    ]);
    expect(messages.map(({ id }) => id?.split(".")[1])).toEqual(["0", "1", "2", "3"]);
    expect(double.orders.length).toBe(2);
  });

  test("dies and is not there yet is waited for", async () => {
    const double = functionReplies(() => {
      if (double.orders.length === 1) return eventReply(story.slice(0, 2));
      return double.orders.length === 2 ? new Response("", { status: 503 }) : eventReply(story);
    });
    expect(await ended(await begun())).toMatchObject({ status: "completed" });
  });

  test("is followed by one with other weights: the answer begins anew, and is charged once", async () => {
    const double = functionReplies(() => {
      if (double.orders.length === 1) return eventReply(story.slice(0, 2));
      const reply = eventReply(story);
      reply.headers.set(MODEL_DIGEST_HEADER, "ef".repeat(32));
      return reply;
    });
    const body = await ended(await begun());
    expect(body).toMatchObject({
      ...{ status: "completed", model_digest: "ef".repeat(32), numerics, restarts: 1 },
      charged_micros: quoted,
    });
  });

  test("is followed by one of another class: the stream begins anew, and its ids rise on", async () => {
    const other = numerics.replace("cpu", "webgpu");
    const theirs = story.map((event) =>
      event.kind === "answer.started" ? { ...event, numerics: other } : event,
    );
    const double = functionReplies(() =>
      eventReply(double.orders.length === 1 ? story.slice(0, 2) : theirs),
    );
    const response = await askJson({ ...asked, stream: true });
    if (response.body === null) throw new Error("no body");
    const messages = await collect(decodeSse(response.body));
    expect(messages.map(({ event, id }) => [event, id?.split(".")[1]])).toEqual([
      ["answer.started", "0"],
      ["answer.frame", "1"],
      ["answer.restarted", "1000"],
      ["answer.frame", "1001"],
      ["answer.frame", "1002"],
      ["answer.completed", "1003"],
    ]);
    expect(JSON.parse(messages[2]?.data ?? "")).toMatchObject({
      ...{ restarts: 1, numerics: other, previous_numerics: numerics },
    });
    const [id] = messages[0]?.id?.split(".") ?? [];
    const from = async (place: number): Promise<string[]> => {
      const headers = { "last-event-id": `${id}.${place}` };
      const { body } = await ask(`/v1/answers/${id}/events`, { headers });
      return body === null ? [] : names(await collect(decodeSse(body)));
    };
    // Who had heard of the first making alone hears all of the second; who has heard the end nothing more.
    expect(await from(1)).toEqual(names(messages.slice(2)));
    expect(await from(1001)).toEqual(names(messages.slice(4)));
    expect(await from(1003)).toEqual([]);
  });

  test("tells a step otherwise the second time fails", async () => {
    const double = functionReplies(() => {
      if (double.orders.length === 1) return eventReply(story.slice(0, 2));
      const [started, frame, ...rest] = story;
      if (started === undefined || frame?.kind !== "answer.frame") throw new Error("no frame");
      const revealed = frame.revealed.map((token) => ({ ...token, token: token.token + 1 }));
      return eventReply([started, { ...frame, revealed }, ...rest]);
    });
    expect((await ended(await begun())).error?.code).toBe("function_reply_invalid");
  });

  test("tells more behind the end changes nothing", async () => {
    functionReplies(() => eventReply([...story, ...story.slice(0, 2)]));
    expect(await ended(await begun())).toMatchObject({ status: "completed", usage: { steps: 2 } });
  });

  test("names a digest that is none has not answered", async () => {
    functionReplies(() =>
      eventReply(
        story.map((event) =>
          event.kind === "answer.completed" ? { ...event, digest: "cd" } : event,
        ),
      ),
    );
    expect((await ended(await begun())).error?.code).toBe("function_reply_invalid");
  });

  test("refuses on its own account is not asked again", async () => {
    const { sent } = functionReplies(() =>
      eventReply([{ kind: "answer.failed", failure: failures.image_bomb }]),
    );
    expect((await ended(await begun())).error?.code).toBe("image_bomb");
    expect(sent.length).toBe(1);
  });
});

describe("an answer whose ledger cannot be reached", () => {
  test("is told all the same, and captured by the alarm, once", async () => {
    functionReplies(() => eventReply(story));
    const before = await books();
    const capture = vi
      .spyOn(LedgerObject.prototype, "capture")
      .mockRejectedValue(new Error("out of reach"));
    const response = await askJson(asked);
    const { id, charged_micros } = answerSchema.parse(await response.json());
    expect([response.status, charged_micros]).toEqual([200, quoted]);
    expect((await books()).revenue).toBe(before.revenue);
    capture.mockRestore();
    await ringLater(id);
    await ringLater(id);
    const after = await books();
    expect([after.revenue - before.revenue, after.held]).toEqual([
      BigInt(charged_micros),
      before.held,
    ]);
  });

  test("until its hold is gone says in the end that nothing was charged", async () => {
    functionReplies(() => eventReply(story));
    const capture = vi
      .spyOn(LedgerObject.prototype, "capture")
      .mockRejectedValue(new Error("out of reach"));
    const id = await begun();
    await ended(id);
    await ledgerOf(env, "acc_test").release(id);
    capture.mockRestore();
    await ringLater(id);
    expect(await read(id)).toMatchObject({ status: "completed", charged_micros: 0 });
  });
});

test("an answer whose hold is given back while it is made: its caller is told that nothing was charged", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { sent } = functionReplies(async () => {
    await promise;
    return eventReply(story);
  });
  const id = await begun();
  await vi.waitFor(() => expect(sent.length).toBe(1), 10_000);
  await ledgerOf(env, "acc_test").release(id);
  resolve();
  await ended(id);
  expect(await read(id)).toMatchObject({ status: "completed", charged_micros: 0 });
});

describe("a deadline", () => {
  test("of 0 is told at once: no step ran, nothing is charged, no function is asked", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const before = await books();
    const response = await askJson({ ...asked, deadline_ms: 0 });
    const body = answerSchema.parse(await response.json());
    expect(response.status).toBe(200);
    expect(body).toMatchObject({
      status: "partial",
      answer: "",
      charged_micros: 0,
      usage: { steps: 0 },
    });
    expect([sent, await books()]).toEqual([[], before]);
  });

  test("in the middle of a step tells what the steps before it committed, and charges those", async () => {
    functionReplies((sent) => hangingAfter(story.slice(0, 2), sent));
    const before = await books();
    const response = await askJson({ ...asked, deadline_ms: 150 });
    const body = answerSchema.parse(await response.json());
    expect(response.status).toBe(200);
    expect(body).toMatchObject({ status: "partial", answer: "A red", usage: { steps: 1 } });
    expect(body.confidence).toBeCloseTo(Math.sqrt(0.375));
    expect(body.charged_micros).toBeGreaterThan(0);
    expect(body.charged_micros).toBeLessThan(quoted);
    const after = await books();
    expect([after.revenue - before.revenue, after.held]).toEqual([
      BigInt(body.charged_micros),
      before.held,
    ]);
  });

  test("is told to the function, whose better guess is told", async () => {
    const completed = story.at(-1);
    if (completed?.kind !== "answer.completed") throw new Error("no end");
    const { answer, confidence, tokens, usage } = completed;
    const partial: AnswerEvent = {
      kind: "answer.partial",
      ...{ answer, confidence, tokens, usage: { ...usage, steps: 1, forwardPasses: 1 } },
    };
    const { sent } = functionReplies(() => eventReply([...story.slice(0, 2), partial]));
    const response = await askJson({ ...asked, deadline_ms: 60_000 });
    expect(answerSchema.parse(await response.json())).toMatchObject({
      status: "partial",
      answer: "A red square.",
      digest: null,
    });
    const left = Number(sent[0]?.headers.get("unmask-deadline-ms"));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  test("that passed while nobody was at work is told by the next alarm", async () => {
    functionReplies((sent) => hangingAfter(story.slice(0, 2), sent));
    const id = await begun({ ...asked, deadline_ms: 1000 });
    await hasStep(id, 1);
    await crash(id);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await runDurableObjectAlarm(answerObject(id));
    expect((await ended(id)).status).toBe("partial");
  });
});

describe("a cancel", () => {
  test("while it is made charges the steps that ran, says so, and stops the function", async () => {
    const { sent } = functionReplies((request) => hangingAfter(story.slice(0, 2), request));
    const before = await books();
    const id = await begun();
    await hasStep(id, 1);
    const body = await answers.cancel(id, mine);
    expect(body).toMatchObject({ status: "cancelled", answer: "A red", usage: { steps: 1 } });
    const after = await books();
    expect([after.revenue - before.revenue, after.held]).toEqual([
      BigInt(body?.charged_micros ?? -1),
      before.held,
    ]);
    expect(sent[0]?.signal.aborted).toBe(true);
    expect(names(await events(id)).at(-1)).toBe("answer.cancelled");
  });

  test("after the end changes nothing, and neither does a second", async () => {
    functionReplies(() => eventReply(story));
    const id = await begun();
    const body = await ended(id);
    const before = await books();
    expect(await answers.cancel(id, mine)).toEqual(body);
    expect(await answers.cancel(id, mine)).toEqual(body);
    expect(await books()).toEqual(before);
  });

  test("of an answer whose object died ends it without asking a function again", async () => {
    const { sent } = functionReplies((request) => hangingAfter(story.slice(0, 2), request));
    const id = await begun();
    await hasStep(id, 1);
    await crash(id);
    expect(await answers.cancel(id, mine)).toMatchObject({ status: "cancelled" });
    expect(sent.length).toBe(1);
  });
});

describe("an alarm", () => {
  test("that rings twice begins nothing twice", async () => {
    const { promise: going, resolve: go } = Promise.withResolvers<void>();
    const { sent } = functionReplies(async () => {
      await going;
      return eventReply(story);
    });
    const before = await books();
    const id = await begun();
    const object = answerObject(id);
    await vi.waitFor(() => expect(sent.length).toBe(1));
    await runDurableObjectAlarm(object);
    await runDurableObjectAlarm(object);
    go();
    await ended(id);
    await runDurableObjectAlarm(object);
    await runDurableObjectAlarm(object);
    expect(sent.length).toBe(1);
    expect((await books()).revenue - before.revenue).toBe(BigInt(quoted));
  });

  test("forgets the question and the frames after a day, and the answer after a week", async () => {
    functionReplies(() => eventReply(story));
    const id = await begun();
    const body = await ended(id);
    const object = answerObject(id);
    await vi.waitFor(async () => {
      const open = await runInDurableObject(object, (_, { storage }) =>
        storage.sql.exec("SELECT at FROM due WHERE answer = ? AND at = 0", id).toArray(),
      );
      expect(open).toEqual([]);
    }, 10_000);
    const endedAt = Date.now();
    const clock = vi.spyOn(Date, "now");
    clock.mockReturnValue(endedAt + DAY_MS + 1000);
    await runDurableObjectAlarm(object);
    expect(await answers.read(id, mine)).toEqual(body);
    expect(await answers.kept(id, mine)).toBeNull();
    expect(names(await events(id))).toEqual(["answer.completed"]);
    clock.mockReturnValue(endedAt + 7 * DAY_MS + 1000);
    await runDurableObjectAlarm(object);
    expect(await answers.read(id, mine)).toBeNull();
    clock.mockRestore();
    const { data } = await (await ask("/v1/answers?limit=100")).json<{ data: { id: string }[] }>();
    expect(data.map((answer) => answer.id)).not.toContain(id);
  });
});

test("an id that somebody guessed leaves nothing behind", async () => {
  const id = "ans_000000000000000000000";
  expect(await answers.read(id, mine)).toBeNull();
  const tables = await runInDurableObject(answerObject(id), (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
  );
  expect(tables).toEqual([]);
});
