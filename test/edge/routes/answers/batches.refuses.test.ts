import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { batchSchema } from "#wire/api/answers/batches.ts";
import { MAX_BATCH_ITEMS } from "#wire/limits.ts";
import { modelReply } from "../../cache/model-reply.ts";
import { ask, digest, functionReplies, refusal } from "../../function-double.ts";
import { items, postBatch, untilAborted } from "../batch-calls.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Turns so far of a clock that leaves behind what other tests' functions said. */
let later = 0;

describe("POST /v1/batches refuses", () => {
  test.each<[string, unknown, string, string]>([
    ["no items", { items: [] }, "invalid_request", "/items"],
    ["too many", { items: items(MAX_BATCH_ITEMS + 1) }, "invalid_request", "/items"],
    ["a blank question", { items: [{ question: " " }] }, "invalid_request", "/items/0/question"],
    ["a stream", { items: items(1, { stream: true }) }, "invalid_request", "/items/0/stream"],
  ])("%s, naming the field", async (_title, body, code, pointer) => {
    const { sent } = functionReplies(() => new Response());
    const problem = await refusal(await postBatch(body));
    expect([problem.code, problem.errors[0]?.pointer]).toEqual([code, pointer]);
    expect(sent).toEqual([]);
  });

  test.each<[string, object, string]>([
    ["another model", { items: items(2, { model: "gpt" }) }, "unknown_model"],
    [
      "items of a model that nobody serves",
      { items: [...items(1), { question: "?", model: "gpt" }] },
      "unknown_model",
    ],
    ["a price above the maximum", { items: items(2), max_price_micros: 0 }, "price_above_maximum"],
  ])("%s, and holds nothing", async (_title, body, code) => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ++later * 2 * MODEL_MS });
    functionReplies(() => modelReply(digest), "asked");
    const before = await ledgerOf(env, "acc_test").balance();
    expect((await refusal(await postBatch(body))).code).toBe(code);
    expect(await ledgerOf(env, "acc_test").balance()).toEqual(before);
  });

  test("another media type", async () => {
    const form = new FormData();
    form.append("items", "1");
    const response = await ask("/v1/batches", { method: "POST", body: form });
    expect(await refusal(response)).toMatchObject({
      code: "unsupported_media_type",
      detail: "Send application/json, not multipart/form-data.",
    });
  });

  test("an Idempotency-Key that was used for another batch", async () => {
    functionReplies(untilAborted);
    const key = { "idempotency-key": crypto.randomUUID() };
    const { id } = batchSchema.parse(await (await postBatch({ items: items(1) }, key)).json());
    expect((await refusal(await postBatch({ items: items(2) }, key))).code).toBe(
      "idempotency_mismatch",
    );
    await ask(`/v1/batches/${id}/cancel`, { method: "POST" });
  });
});

describe("the other routes of batches refuse", () => {
  test.each([
    ["GET", "/v1/batches/bat_000000000000000000000"],
    ["GET", "/v1/batches/bat_000000000000000000000/results"],
    ["POST", "/v1/batches/bat_000000000000000000000/cancel"],
    ["GET", "/v1/batches/none"],
  ])("%s %s: there is none", async (method, path) => {
    expect((await refusal(await ask(path, { method }))).code).toBe("not_found");
  });

  test("a cursor that is none", async () => {
    expect((await refusal(await ask("/v1/batches?after=x.y"))).code).toBe("invalid_request");
  });
});
