import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { UNSTORED_MS } from "#domain/retention.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { decodeSse } from "#wire/codec/sse.ts";
import { openTicket } from "#wire/function/ticket.ts";
import { verificationKeysText } from "#wire/function/ticket-keys.ts";
import { collect } from "../../support/edge-builders.ts";
import { answerObject } from "../answer-objects.ts";
import { ask, eventReply, functionReplies, refusal } from "../function-double.ts";
import { askedAs } from "./calls.ts";
import { eventually, storesWith } from "./everything.ts";
import { answered, asking, draw, functionTelling, type Planted, tells } from "./planted.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

async function found(planted: Planted): Promise<readonly string[]> {
  return await storesWith(...Object.values(planted));
}

/** Rings the alarm of an answer's object as if so many milliseconds had gone by. */
async function later(id: string, milliseconds: number): Promise<void> {
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + milliseconds);
  await runDurableObjectAlarm(answerObject(id));
  clock.mockRestore();
}

/** A function that answers once it is let. */
function waitingFunction(answer: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stories = tells(answer);
  functionReplies(async () => {
    await promise;
    return eventReply(stories);
  });
  return resolve;
}

async function isGone(planted: Planted, id: string): Promise<void> {
  await eventually(async () => expect(await found(planted)).toEqual([]));
  expect((await ask(`/v1/answers/${id}`)).status).toBe(404);
}

async function sent(planted: Planted, headers = {}, fields = {}): Promise<Response> {
  const body = { ...asking(planted), store: false, ...fields };
  return await askedAs(env.TEST_API_KEY, "POST", "/v1/answers", body, headers);
}

describe("store: false", () => {
  test("leaves nothing once the reply was told, and costs what its quote says", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const priced = await askedAs(env.TEST_API_KEY, "POST", "/v1/quotes", asking(planted));
    const { price_micros: price } = await priced.json<{ price_micros: number }>();
    const before = await ledgerOf(env, "acc_test").balance();
    const answer = await answered(planted, { store: false });
    expect(answer).toMatchObject({ status: "completed", charged_micros: price, cached: false });
    expect(answer.tokens[0]?.text).toContain(planted.answer);
    await isGone(planted, answer.id);
    const after = await ledgerOf(env, "acc_test").balance();
    expect(before.available - after.available).toBe(BigInt(price));
    const listed = await env.DB.prepare("SELECT 1 FROM answers WHERE id = ?").bind(answer.id).all();
    expect(listed.results).toEqual([]);
  });

  test("is neither taken from the cache nor put there", async () => {
    const planted = draw();
    const double = functionTelling(planted.answer);
    await answered(planted, { store: false });
    await answered(planted, { store: false });
    const asked = double.orders;
    expect(asked).toHaveLength(2);
    expect(await storesWith(planted.answer)).toEqual([]);
  });

  test("can be resumed for a minute behind the last event of its stream, which may not have arrived; then it goes", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const response = await sent(planted, {}, { stream: true });
    const id = response.headers.get("location")?.replace("/v1/answers/", "") ?? "";
    await response.body?.cancel("gone");
    const again = await ask(`/v1/answers/${id}/events`, {
      headers: { "last-event-id": `${id}.0` },
    });
    if (again.body === null) throw new Error("no body");
    const events = await collect(decodeSse(again.body));
    expect(events.at(-1)?.event).toBe("answer.completed");
    await eventually(async () => {
      await later(id, 61_000);
      expect(await found(planted)).toEqual([]);
    });
    await isGone(planted, id);
  });

  test("waits for who was told to come back, ten minutes at the most", async () => {
    const planted = draw();
    const answer = waitingFunction(planted.answer);
    const started = await sent(planted, { prefer: "respond-async" });
    const { id } = await started.json<{ id: string }>();
    answer();
    await eventually(async () =>
      expect(await storesWith(planted.answer)).toContain("AnswerObject.answer"),
    );
    await later(id, UNSTORED_MS - 10_000);
    expect(await storesWith(planted.answer)).toContain("AnswerObject.answer");
    await later(id, UNSTORED_MS + 1_000);
    await isGone(planted, id);
  });

  test("goes with the first GET that tells its end", async () => {
    const planted = draw();
    const answer = waitingFunction(planted.answer);
    const started = await sent(planted, { prefer: "respond-async" });
    const { id } = await started.json<{ id: string }>();
    answer();
    const body = await vi.waitFor(
      async () => {
        const shown = answerSchema.parse(await (await ask(`/v1/answers/${id}`)).json());
        expect(shown.ended_at).not.toBeNull();
        return shown;
      },
      { timeout: 20_000, interval: 100 },
    );
    expect(body.tokens[0]?.text).toContain(planted.answer);
    await isGone(planted, id);
  });

  test("is charged once under an Idempotency-Key: the repeated request is told that its words are gone", async () => {
    const planted = draw();
    const double = functionTelling(planted.answer);
    const headers = { "idempotency-key": crypto.randomUUID() };
    const first = answerSchema.parse(await (await sent(planted, headers)).json());
    const before = await ledgerOf(env, "acc_test").balance();
    const problem = await refusal(await sent(planted, headers));
    expect(problem).toMatchObject({ code: "answer_not_kept", status: 410, retryable: false });
    expect(problem.detail).toContain(first.id);
    expect((await ledgerOf(env, "acc_test").balance()).available).toBe(before.available);
    expect(double.orders).toHaveLength(1);
    expect(await found(planted)).toEqual([]);
  });

  test("is told to a webhook, whose body goes once it arrived", async () => {
    const planted = draw();
    const double = functionTelling(planted.answer);
    const webhook = { url: "https://receiver.test/once" };
    const { id } = answerSchema.parse(await (await sent(planted, {}, { webhook })).json());
    await eventually(async () => {
      await runDurableObjectAlarm(env.WEBHOOKS.getByName("acc_test"));
      const bodies = double.sent.map(({ body }) => new TextDecoder().decode(body));
      expect(bodies.some((body) => body.includes(planted.answer) && body.includes(id))).toBe(true);
      expect(await found(planted)).toEqual([]);
    });
  });

  test("gives a webhook that never arrives up after an hour, and its body goes", async () => {
    const planted = draw();
    functionTelling(planted.answer, () =>
      Response.json({
        ...{ outcome: "response", status: 500, retry_after: null, location: null, duration_ms: 1 },
        response: "no",
      }),
    );
    const webhook = { url: "https://receiver.test/never" };
    await sent(planted, {}, { webhook });
    await eventually(async () =>
      expect(await storesWith(planted.answer)).toEqual(["WebhookObject.notices"]),
    );
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_700_000);
    await runDurableObjectAlarm(env.WEBHOOKS.getByName("acc_test"));
    clock.mockRestore();
    expect(await found(planted)).toEqual([]);
  });

  test("tells the function to keep nothing of its pictures", async () => {
    const planted = draw();
    const double = functionTelling(planted.answer);
    await answered(planted, { store: false });
    const [order] = double.orders;
    const jwt = order?.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    const keys = verificationKeysText.parse(env.TEST_TICKET_KEYS);
    const ticket = await openTicket(jwt, keys, Date.now());
    expect(ticket).toMatchObject({ ok: true, value: { isStored: false } });
  });

  test("is asked as OpenAI's clients do", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const response = await askedAs(env.TEST_API_KEY, "POST", "/v1/chat/completions", {
      ...{ model: "unmask-demo", max_completion_tokens: 4, store: false },
      messages: [{ role: "user", content: `What is ${planted.question}?` }],
      x_unmask: { steps: 2, mode: "exact" },
    });
    expect(response.status).toBe(200);
    await response.text();
    await eventually(async () => expect(await found(planted)).toEqual([]));
  });

  test("is no matter of a batch, which keeps its results: an item that asks for it is refused by name", async () => {
    functionTelling("nothing");
    const body = { items: [{ question: "What?", store: false }] };
    const problem = await refusal(await askedAs(env.TEST_API_KEY, "POST", "/v1/batches", body));
    expect(problem.errors[0]).toMatchObject({ pointer: "/items/0/store" });
  });
});
