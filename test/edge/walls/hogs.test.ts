import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { story } from "../../support/edge-builders.ts";
import { answerObject } from "../answer-objects.ts";
import { ask, eventReply, functionReplies } from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";
import { endOfBatch, items, postBatch } from "../routes/batch-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** Stands in for a function with so many places, at work and in its queue, that takes so long for each answer. */
function functionWith(places: number, work: () => Promise<void>): { readonly most: () => number } {
  let [inside, most] = [0, 0];
  functionReplies(async () => {
    if (inside >= places)
      return await refusalResponse(
        { kind: "overloaded", retryAfterSeconds: 1 },
        { requestId: "req_1", instance: "/v1/generate" },
      );
    inside += 1;
    most = Math.max(most, inside);
    await work();
    inside -= 1;
    return eventReply(story);
  });
  return { most: () => most };
}

const takes = (ms: number) => async () => await scheduler.wait(ms);

/** Of a key. */
const BUSY = { limits: { concurrent: 32 } };

async function accountWithKey(): Promise<string> {
  return (await openAccount(BUSY)).key;
}

let asked = 0;

async function post(key: string, headers: HeadersInit = {}): Promise<Response> {
  asked += 1;
  return await ask("/v1/answers", {
    method: "POST",
    body: JSON.stringify({ question: `Large? ${asked}`, canvas: 4, steps: 2, cache: "off" }),
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
  });
}

async function endOf(key: string, id: string): Promise<AnswerBody> {
  return await vi.waitFor(
    async () => {
      const headers = { authorization: `Bearer ${key}` };
      const body = answerSchema.parse(await (await ask(`/v1/answers/${id}`, { headers })).json());
      expect(body.ended_at).not.toBeNull();
      return body;
    },
    { timeout: 20_000, interval: 50 },
  );
}

describe("32 asynchronous answers of one account", () => {
  test("leave others their places, and each that was accepted is made", async () => {
    const { most } = functionWith(17, takes(40));
    const [hog, small] = [await accountWithKey(), await accountWithKey()];
    const replies = await Promise.all(
      Array.from({ length: 32 }, () => post(hog, { prefer: "respond-async" })),
    );
    // Those of the first that are made at once have their answer already.
    for (const { status } of replies) expect([200, 202]).toContain(status);
    expect((await post(small)).status).toBe(200);
    const bodies = await Promise.all(
      replies.map(async (reply) => endOf(hog, (await reply.json<{ id: string }>()).id)),
    );
    expect(bodies.map(({ status }) => status)).toEqual(Array<string>(32).fill("completed"));
    // Four of the hog's, and the small one's.
    expect(most()).toBeLessThanOrEqual(5);
  });

  test("beyond what the account may have in the making are refused at once", async () => {
    let areAllSent = false;
    functionWith(17, async () => {
      while (!areAllSent) await scheduler.wait(10);
    });
    const hog = await accountWithKey();
    const replies = await Promise.all(
      Array.from({ length: 40 }, () => post(hog, { prefer: "respond-async" })),
    );
    areAllSent = true;
    const statuses = replies.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([202, 429]));
    for (const reply of replies)
      if (reply.status === 202) await endOf(hog, (await reply.json<{ id: string }>()).id);
  });

  test("wait for a place at a function that others have filled", async () => {
    functionWith(1, takes(150));
    const [one, other] = [await accountWithKey(), await accountWithKey()];
    const first = await post(one, { prefer: "respond-async" });
    const second = await post(other, { prefer: "respond-async" });
    expect([first.status, second.status]).toEqual([202, 202]);
    for (const [key, reply] of [[one, first] as const, [other, second] as const]) {
      const { id } = await reply.json<{ id: string }>();
      expect(await endOf(key, id)).toMatchObject({ status: "completed" });
    }
  });

  test("and its batches share the account's places", async () => {
    const { most } = functionWith(17, takes(40));
    const batches = await Promise.all(
      Array.from({ length: 4 }, async () => await postBatch({ items: items(6) })),
    );
    const ids = await Promise.all(
      batches.map(async (batch) => (await batch.json<{ id: string }>()).id),
    );
    for (const id of ids)
      expect(await endOfBatch(id)).toMatchObject({ status: "completed", counts: { completed: 6 } });
    expect(most()).toBeLessThanOrEqual(4);
  });
});

describe("an accepted answer", () => {
  test("waits for its function to come back, and reads as queued until then", async () => {
    let [isThere, looks] = [false, 0];
    functionReplies(() => {
      looks += 1;
      return isThere ? eventReply(story) : new Response("", { status: 503 });
    });
    const { id: account, key } = await openAccount(BUSY);
    const { id } = await (await post(key, { prefer: "respond-async" })).json<{ id: string }>();
    // It is looked for again meanwhile, more than once.
    await vi.waitFor(() => expect(looks).toBeGreaterThan(2));
    const headers = { authorization: `Bearer ${key}` };
    const waiting = await (await ask(`/v1/answers/${id}`, { headers })).json<AnswerBody>();
    expect([waiting.status, waiting.ended_at]).toEqual(["queued", null]);
    isThere = true;
    expect(await endOf(key, id)).toMatchObject({ status: "completed" });
    const attempts = await runInDurableObject(answerObject(id, account), (_, { storage }) =>
      storage.sql
        .exec("SELECT text FROM answer WHERE answer = ? AND record = 'attempts'", id)
        .toArray(),
    );
    expect(attempts).toEqual([{ text: "1" }]);
  });

  test("that waits can be cancelled, and costs nothing", async () => {
    functionReplies(() => new Response("", { status: 503 }));
    const key = await accountWithKey();
    const { id } = await (await post(key, { prefer: "respond-async" })).json<{ id: string }>();
    const headers = { authorization: `Bearer ${key}` };
    const cancelled = await ask(`/v1/answers/${id}/cancel`, { method: "POST", headers });
    expect(await cancelled.json()).toMatchObject({ status: "cancelled", charged_micros: 0 });
  });

  test("is refused at once where its caller waits for the reply", async () => {
    functionReplies(() => new Response("", { status: 503 }));
    const response = await post(await accountWithKey());
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
  });
});
