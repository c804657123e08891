import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { standardRetention } from "#domain/retention.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { batchSchema } from "#wire/api/answers/batches.ts";
import { story } from "../../../support/edge-builders.ts";
import { ask, eventReply, functionReplies } from "../../function-double.ts";
import { endOfBatch, items, postBatch, resultsOf } from "../batch-calls.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

async function taken(body: unknown): Promise<{ id: string; quoted_micros: number }> {
  const response = await postBatch(body);
  expect(response.status).toBe(202);
  return batchSchema.parse(await response.json());
}

const mine = { accountId: "acc_test", owner: null };
const other = { accountId: "acc_other", owner: null };

describe("a batch withstands", () => {
  test("its object's death while it is made: nothing is lost, nothing is charged twice", async () => {
    const double = functionReplies(() => eventReply(story));
    const before = await ledgerOf(env, "acc_test").balance();
    const { id, quoted_micros: quoted } = await taken({ items: items(6) });
    await evictDurableObject(env.BATCHES.getByName(id));
    const ended = await endOfBatch(id);
    expect(ended.counts.completed).toBe(6);
    await evictDurableObject(env.BATCHES.getByName(id));
    await runDurableObjectAlarm(env.BATCHES.getByName(id));
    const after = await ledgerOf(env, "acc_test").balance();
    expect(after.revenue - before.revenue).toBe(BigInt(quoted));
    expect(double.orders).toHaveLength(6);
  });

  test("a function that fails some of it: they are kept apart and cost nothing", async () => {
    let asked = 0;
    functionReplies(() =>
      ++asked % 2 === 0
        ? eventReply(story)
        : eventReply([
            { kind: "answer.failed", failure: { kind: "prompt_too_long", length: 9, limit: 1 } },
          ]),
    );
    const { id, quoted_micros: quoted } = await taken({ items: items(4) });
    const ended = await endOfBatch(id);
    expect(ended.counts).toMatchObject({ completed: 2, failed: 2 });
    expect(ended.charged_micros).toBe(quoted / 2);
    const { data } = await resultsOf(id);
    expect(data.filter(({ error }) => error?.code === "prompt_too_long")).toHaveLength(2);
  });

  test("a look of its alarm that breaks off, as often as it does: it is looked after again", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await taken({ items: items(1) });
    await endOfBatch(id);
    const stub = env.BATCHES.getByName(id);
    const rename = async (from: string, to: string) =>
      await runInDurableObject(stub, async (_, { storage }) => {
        storage.sql.exec(`ALTER TABLE ${from} RENAME TO ${to}`);
        await storage.setAlarm(Date.now() + 60_000);
      });
    await rename("items", "away");
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const due = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
    expect((due ?? 0) - Date.now()).toBeGreaterThan(10_000);
    await rename("away", "items");
    // It has ended: it rings again when its results are to be forgotten.
    await runDurableObjectAlarm(stub);
    const next = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
    expect((next ?? 0) - Date.now()).toBeGreaterThan(standardRetention.answerMs / 2);
  });

  test("the loss of its alarm: the next report of an item sets one", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await taken({ items: items(1) });
    await endOfBatch(id);
    const [first] = (await resultsOf(id)).data;
    if (first?.answer == null) throw new Error("no answer");
    const stub = env.BATCHES.getByName(id);
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm());
    await stub.itemEnded(0, first.answer);
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
  });

  test("reports of items that come twice or from elsewhere", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await taken({ items: items(1) });
    const ended = await endOfBatch(id);
    const { data } = await resultsOf(id);
    const body = data[0]?.answer;
    if (body === null || body === undefined) throw new Error("no answer");
    const stub = env.BATCHES.getByName(id);
    await stub.itemEnded(0, body);
    await stub.itemEnded(0, { ...body, id: "ans_other", charged_micros: 9_999 });
    await stub.itemEnded(7, body);
    expect(await stub.read(mine)).toEqual(ended);
  });

  test("alarms after its end: its results are kept for a week, and then forgotten, its row of the list with them", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await taken({ items: items(1) });
    const ended = await endOfBatch(id);
    const stub = env.BATCHES.getByName(id);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await stub.read(mine)).toEqual(ended);
    const alarmAt = await runInDurableObject(stub, (_, state) => state.storage.getAlarm());
    expect(alarmAt).toBe(Date.parse(ended.ended_at ?? "") + standardRetention.answerMs);
    await runInDurableObject(stub, (_, state) => {
      state.storage.sql.exec(
        "UPDATE batch SET ended_at = ended_at - ?",
        standardRetention.answerMs,
      );
    });
    const listed = env.DB.prepare("SELECT id FROM batches WHERE id = ?").bind(id);
    expect(await listed.first()).toEqual({ id });
    await runDurableObjectAlarm(stub);
    expect(await stub.read(mine)).toBeNull();
    expect(await listed.first()).toBeNull();
  });

  test("the time after which nobody begins it: it is forgotten", async () => {
    const stub = env.BATCHES.getByName("bat_unbegun");
    await stub.keep(0, { customId: null, quotedMicros: 1, error: null }, null);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const tables = await runInDurableObject(stub, (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'items'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  test("another account that asks for it", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await taken({ items: items(1) });
    const stub = env.BATCHES.getByName(id);
    expect(await stub.read(other)).toBeNull();
    expect(await stub.results(other, 0, 10)).toBeNull();
    expect(await stub.cancel(other)).toBeNull();
    await endOfBatch(id);
  });

  test("a body of the largest size", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await taken({ items: items(64, { question: "é".repeat(16_000) }) });
    const cancelled = await ask(`/v1/batches/${id}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    await endOfBatch(id);
  });
});
