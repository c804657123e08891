import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keepDead } from "#edge/usage/dead-messages.ts";
import { DEAD_LIFETIME_MS, forgetCounts } from "#edge/usage/forget-counts.ts";
import { resendDead } from "#edge/usage/resend-dead.ts";
import { resentDeadSchema } from "#wire/api/dead-messages.ts";
import type { QueuedEvent } from "#wire/function/usage-event.ts";
import { checkedFetch } from "../checked-fetch.ts";
import { refusal } from "../function-double.ts";

const refusalOf = (id: string): QueuedEvent => ({
  ...{ id, account: "acc_dead", key: "key_dead", code: "overloaded", count: 1, at: 1 },
});

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  await env.DB.prepare("DELETE FROM dead_messages").run();
});
afterEach(() => vi.restoreAllMocks());

async function kept(bodies: readonly unknown[], at = Date.now()): Promise<void> {
  const messages = bodies.map((body, index) => ({
    ...{ id: `dead_${String(index).padStart(4, "0")}`, body },
  }));
  const batch = { messages, queue: "unmask-usage-dead", ackAll: () => {}, retryAll: () => {} };
  vi.spyOn(Date, "now").mockReturnValueOnce(at);
  await keepDead(batch as unknown as MessageBatch<unknown>, env);
}

const left = async (): Promise<number | undefined> =>
  (await env.DB.prepare("SELECT count(*) AS n FROM dead_messages").first<{ n: number }>())?.n;

function queue(): { USAGE: Queue<QueuedEvent>; sent: QueuedEvent[] } {
  const sent: QueuedEvent[] = [];
  const sendBatch = async (batch: Iterable<{ body: QueuedEvent }>): Promise<void> => {
    sent.push(...[...batch].map(({ body }) => body));
  };
  return { USAGE: { sendBatch } as unknown as Queue<QueuedEvent>, sent };
}

test("what the usage queue could not copy is sent into it again, each once, and is gone", async () => {
  const events = Array.from({ length: 120 }, (_, index) => refusalOf(`evt_${index}`));
  await kept(events);
  const { USAGE, sent } = queue();
  let behind: string | null = "";
  let calls = 0;
  for (; behind !== null; calls += 1)
    behind = (await resendDead({ DB: env.DB, USAGE }, behind)).last;
  expect(sent).toEqual(events);
  expect(calls).toBe(3);
  expect(await left()).toBe(0);
});

test("what this version cannot read stays, and holds nothing up", async () => {
  await kept([{ of: "a newer Worker" }, refusalOf("evt_1"), "x".repeat(200_000)]);
  const { USAGE, sent } = queue();
  expect(await resendDead({ DB: env.DB, USAGE }, "")).toEqual({
    ...{ resent: 1, unreadable: 2, last: null },
  });
  expect(sent).toEqual([refusalOf("evt_1")]);
  expect(await left()).toBe(2);
});

test("what cannot be kept now is delivered again half an hour later", async () => {
  const DB = {
    prepare: () => ({ bind: () => ({}) }),
    batch: async () => await Promise.reject(new Error("D1 is away")),
  };
  const retryAll = vi.fn();
  const batch = { messages: [{ id: "m", body: {} }], queue: "unmask-usage-dead", retryAll };
  await keepDead(batch as unknown as MessageBatch<unknown>, {
    ...env,
    DB: DB as unknown as D1Database,
  });
  expect(retryAll).toHaveBeenCalledWith({ delaySeconds: 1_800 });
});

test("where the queue takes nothing every message stays", async () => {
  await kept([refusalOf("evt_1")]);
  const sendBatch = async (): Promise<never> => await Promise.reject(new Error("no queue"));
  const USAGE = { sendBatch } as unknown as Queue<QueuedEvent>;
  await expect(resendDead({ DB: env.DB, USAGE }, "")).rejects.toThrow("no queue");
  expect(await left()).toBe(1);
});

test("the administrator has it done, and nobody else", async () => {
  const resend = async (key: string): Promise<Response> =>
    await checkedFetch("https://unmask.test/v1/dead_messages/resend", {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: "{}",
    });
  expect((await refusal(await resend(env.TEST_API_KEY))).code).toBe("unauthenticated");
  const reply = await resend(env.ADMIN_KEY ?? "");
  expect(resentDeadSchema.parse(await reply.json())).toMatchObject({
    resent: 0,
    next_cursor: null,
  });
});

test("nobody's dead message is kept for longer than a quarter", async () => {
  const now = Date.now();
  await kept([refusalOf("evt_1")], now - DEAD_LIFETIME_MS);
  await forgetCounts(env.DB, now);
  expect(await left()).toBe(1);
  await forgetCounts(env.DB, now + 1);
  expect(await left()).toBe(0);
});
