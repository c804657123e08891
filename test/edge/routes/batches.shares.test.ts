import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { QUIET_MS } from "#edge/webhooks/quiet.ts";
import { WebhookObject } from "#edge/webhooks/webhook-object.ts";
import type { ModelCard } from "#wire/function/status.ts";
import { story } from "../../support/edge-builders.ts";
import { answerObject } from "../answer-objects.ts";
import { modelReply } from "../cache/model-reply.ts";
import { askJson, digest, eventReply, functionReplies } from "../function-double.ts";
import { endOfBatch, postBatch, resultsOf } from "./batch-calls.ts";

let runs: () => number;
beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * MODEL_MS });
  const { orders } = functionReplies(
    () => eventReply(story),
    await modelReply(digest).json<ModelCard>(),
  );
  runs = () => orders.length;
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

let drawn = 0;

/** Items whose questions nobody has asked before. */
function fresh(count: number, fields: object = {}): object[] {
  return Array.from({ length: count }, () => {
    drawn += 1;
    return { question: `Which one? ${drawn}`, canvas: 4, steps: 2, ...fields };
  });
}

async function made(items: readonly object[], fields: object = {}) {
  const { id } = await (await postBatch({ items, ...fields })).json<{ id: string }>();
  const ended = await endOfBatch(id);
  const { data } = await resultsOf(id);
  return { ended, data };
}

describe("the answers of a batch", () => {
  test("are cached, for batches and for single questions", async () => {
    const items = fresh(3);
    const first = await made(items);
    expect(first.data.map(({ answer }) => answer?.cached)).toEqual([false, false, false]);
    const again = await vi.waitFor(async () => {
      const second = await made(items);
      expect(second.data.map(({ answer }) => answer?.cached)).toEqual([true, true, true]);
      return second;
    });
    expect(again.ended.charged_micros).toBe(0);
    const single = await askJson(items[0]);
    expect(single.headers.get("cache-status")).toContain("; hit");
    expect(runs()).toBeLessThanOrEqual(6);
  });

  test("come from the cache where a single question filled it", async () => {
    const [item] = fresh(1);
    if (item === undefined) throw new Error("no item");
    await askJson(item);
    await vi.waitFor(async () => expect((await made([item])).data[0]?.answer?.cached).toBe(true));
  });

  test("are kept out of it by an item's own word", async () => {
    const items = fresh(1, { cache: "off" });
    await made(items);
    expect((await made(items)).data[0]?.answer?.cached).toBe(false);
    expect(runs()).toBe(2);
  });

  test("are told by the batch alone, unless an item names an address of its own", async () => {
    const told: string[] = [];
    vi.spyOn(WebhookObject.prototype, "accept").mockImplementation(async ({ type }) => {
      told.push(`everybody ${type}`);
      return { isQuiet: false };
    });
    // What an earlier answer heard, that the account has no endpoint, holds no more.
    await scheduler.wait(QUIET_MS);
    vi.spyOn(WebhookObject.prototype, "acceptAt").mockImplementation(async ({ type }, { url }) => {
      told.push(`${url} ${type}`);
    });
    const [quiet, loud] = [fresh(1), fresh(1, { webhook: "https://named.test/hook" })];
    await made([...quiet, ...loud]);
    await vi.waitFor(() =>
      expect(told.toSorted()).toEqual([
        "everybody batch.completed",
        "https://named.test/hook answer.completed",
      ]),
    );
  });

  test("are told to the address that an item names, also where they come from the cache", async () => {
    const told: string[] = [];
    vi.spyOn(WebhookObject.prototype, "accept").mockResolvedValue({ isQuiet: true });
    vi.spyOn(WebhookObject.prototype, "acceptAt").mockImplementation(async ({ data }, { url }) => {
      told.push(`${url} ${"id" in data ? data.id : "?"}`);
    });
    const [quiet] = fresh(1);
    if (quiet === undefined) throw new Error("no item");
    await made([quiet]);
    const loud = { ...quiet, webhook: "https://named.test/hook" };
    const id = await vi.waitFor(async () => {
      const { data } = await made([loud]);
      expect(data[0]?.answer?.cached).toBe(true);
      return data[0]?.answer?.id ?? "";
    });
    await runDurableObjectAlarm(answerObject(id));
    expect(told).toContain(`https://named.test/hook ${id}`);
  });
});
