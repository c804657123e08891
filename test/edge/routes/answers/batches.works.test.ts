import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { batchListSchema, batchSchema } from "#wire/api/answers/batches.ts";
import { story } from "../../../support/edge-builders.ts";
import { ask, eventReply, functionReplies } from "../../function-double.ts";
import {
  endOfBatch,
  image,
  items,
  postBatch,
  readBatch,
  resultsOf,
  untilAborted,
} from "../batch-calls.ts";

afterEach(() => vi.restoreAllMocks());

describe("POST /v1/batches works", () => {
  test("from many questions to a result for each, in order, charged as their sum", async () => {
    const double = functionReplies(() => eventReply(story));
    const before = await ledgerOf(env, "acc_test").balance();
    const response = await postBatch({ items: items(6), defaults: { image } });
    expect(response.status).toBe(202);
    const taken = batchSchema.parse(await response.json());
    expect(taken).toMatchObject({ status: "queued", counts: { total: 6 }, charged_micros: 0 });
    expect(response.headers.get("location")).toBe(`/v1/batches/${taken.id}`);
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(response.headers.get("ratelimit")).toContain('"steps"');

    const ended = await endOfBatch(taken.id);
    expect(ended).toMatchObject({
      status: "completed",
      counts: { total: 6, completed: 6, partial: 0, failed: 0, cancelled: 0 },
      charged_micros: taken.quoted_micros,
    });
    const { data } = await resultsOf(taken.id);
    expect(data.map(({ custom_id }) => custom_id)).toEqual(
      Array.from({ length: 6 }, (_, index) => `item-${index}`),
    );
    expect(data.every(({ answer }) => answer?.answer === "A red square.")).toBe(true);
    const sum = data.reduce((total, { answer }) => total + (answer?.charged_micros ?? 0), 0);
    expect(sum).toBe(ended.charged_micros);
    const after = await ledgerOf(env, "acc_test").balance();
    expect(after.revenue - before.revenue).toBe(BigInt(sum));
    expect(double.orders).toHaveLength(6);
  });

  test("an item whose picture cannot be read fails by itself and costs nothing", async () => {
    functionReplies(() => eventReply(story));
    const bad = { custom_id: "bad", question: "?", image: { data: "AAAA" } };
    const response = await postBatch({ items: [...items(1), bad] });
    const { id, quoted_micros: quoted } = batchSchema.parse(await response.json());
    const ended = await endOfBatch(id);
    expect(ended.counts).toMatchObject({ completed: 1, failed: 1 });
    expect(ended.charged_micros).toBe(quoted);
    const { data } = await resultsOf(id);
    expect(data[1]).toMatchObject({
      custom_id: "bad",
      answer: null,
      error: { code: "image_truncated", charged_micros: 0 },
    });
  });

  test("results come in pages", async () => {
    functionReplies(() => eventReply(story));
    const { id } = batchSchema.parse(await (await postBatch({ items: items(3) })).json());
    await endOfBatch(id);
    const first = await resultsOf(id, "?limit=2");
    expect(first.data.map(({ index }) => index)).toEqual([0, 1]);
    const second = await resultsOf(id, `?limit=2&after=${first.next_cursor}`);
    expect(second.data.map(({ index }) => index)).toEqual([2]);
    expect(second.has_more).toBe(false);
  });

  test("the list has the newest first", async () => {
    functionReplies(() => eventReply(story));
    const ids: string[] = [];
    for (let made = 0; made < 2; made++) {
      const { id } = batchSchema.parse(await (await postBatch({ items: items(1) })).json());
      await endOfBatch(id);
      ids.unshift(id);
    }
    const page = batchListSchema.parse(await (await ask("/v1/batches?limit=2")).json());
    expect(page.data.map(({ id }) => id)).toEqual(ids);
    expect(page.data.map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  test("cancelling ends it, and what never ran costs nothing", async () => {
    functionReplies(untilAborted);
    const { id } = batchSchema.parse(await (await postBatch({ items: items(8) })).json());
    const cancelled = await ask(`/v1/batches/${id}/cancel`, { method: "POST" });
    expect(cancelled.status).toBe(200);
    const ended = await endOfBatch(id);
    expect(ended).toMatchObject({ status: "cancelled", charged_micros: 0 });
    expect(ended.counts.cancelled + ended.counts.failed).toBe(8);
  });

  test("a repeated request gets the same batch, while it is made and after", async () => {
    functionReplies(() => eventReply(story));
    const key = { "idempotency-key": crypto.randomUUID() };
    const body = { items: items(2) };
    const first = batchSchema.parse(await (await postBatch(body, key)).json());
    const again = await postBatch(body, key);
    expect(again.status).toBe(202);
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(batchSchema.parse(await again.json()).id).toBe(first.id);
    const ended = await endOfBatch(first.id);
    const later = await postBatch(body, key);
    expect(batchSchema.parse(await later.json())).toEqual(ended);
  });

  test("a batch can be read while it is made", async () => {
    functionReplies(untilAborted);
    const { id } = batchSchema.parse(await (await postBatch({ items: items(5) })).json());
    await vi.waitFor(async () => expect((await readBatch(id)).status).toBe("running"));
    const { data } = await resultsOf(id);
    expect(data).toHaveLength(5);
    expect(data.every(({ answer, error }) => answer === null && error === null)).toBe(true);
    await ask(`/v1/batches/${id}/cancel`, { method: "POST" });
  });
});
