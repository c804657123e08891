import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AnswerIndex } from "#edge/answers/storage/answer-index.ts";
import { story } from "../../support/edge-builders.ts";
import { answerObject } from "../answer-objects.ts";
import { ask, eventReply, functionReplies, refusal } from "../function-double.ts";
import { openAccount } from "../routes/administration.ts";
import { endOfBatch, untilAborted } from "../routes/batch-calls.ts";
import { askedAs } from "./calls.ts";
import { eventually, storesWith } from "./everything.ts";
import { answered, asking, draw, functionTelling, type Planted } from "./planted.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

/** Stores in which any of the texts stands. */
async function found(planted: Planted): Promise<readonly string[]> {
  return await storesWith(...Object.values(planted));
}

async function deleted(id: string): Promise<number> {
  return (await ask(`/v1/answers/${id}`, { method: "DELETE" })).status;
}

describe("DELETE /v1/answers/{id}", () => {
  test("leaves nothing of question, pictures, frames and answer, wherever it was kept: objects, cache, bucket, webhooks, replies", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const webhook = { url: "https://receiver.test/hook" };
    const headers = { "idempotency-key": crypto.randomUUID() };
    const { id } = await answered(planted, { headers, webhook });
    await eventually(async () =>
      expect(await found(planted)).toEqual(
        expect.arrayContaining([
          ...["AnswerObject.answer", "CacheObject.entry", "LedgerObject.replies"],
          ...["WebhookObject.notices", expect.stringMatching(/^R2\.IMAGES\/work\/acc_test\//)],
        ]),
      ),
    );
    expect(await deleted(id)).toBe(204);
    expect(await found(planted)).toEqual([]);
    expect((await ask(`/v1/answers/${id}`)).status).toBe(404);
    expect((await ask(`/v1/answers/${id}/events`)).status).toBe(404);
    expect(await deleted(id)).toBe(404);
  });

  test("has a repeated request told that it was paid for and is not kept, for nothing", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const headers = { "idempotency-key": crypto.randomUUID() };
    const { id } = await answered(planted, { headers });
    expect(await deleted(id)).toBe(204);
    const again = await askedAs(env.TEST_API_KEY, "POST", "/v1/answers", asking(planted), headers);
    expect(await refusal(again)).toMatchObject({ code: "answer_not_kept", status: 410 });
  });

  test("refuses one that is being made, which stays; once cancelled it can be deleted", async () => {
    functionReplies(untilAborted);
    const started = await askedAs(
      env.TEST_API_KEY,
      "POST",
      "/v1/answers",
      { question: "Wait?", canvas: 4, steps: 2, cache: "off" },
      { prefer: "respond-async" },
    );
    const { id } = await started.json<{ id: string }>();
    const refused = await refusal(await ask(`/v1/answers/${id}`, { method: "DELETE" }));
    expect(refused).toMatchObject({ code: "still_running", status: 409, retryable: false });
    expect((await ask(`/v1/answers/${id}`)).status).toBe(200);
    await ask(`/v1/answers/${id}/cancel`, { method: "POST" });
    expect(await deleted(id)).toBe(204);
  });

  test("is finished by the alarm where something cannot be reached, and nobody sees the answer meanwhile", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const { id } = await answered(planted, { cache: "off" });
    const broken = vi.spyOn(AnswerIndex.prototype, "forget").mockRejectedValue(new Error("away"));
    expect(await deleted(id)).toBe(202);
    expect((await ask(`/v1/answers/${id}`)).status).toBe(404);
    expect(await found(planted)).toEqual([]);
    broken.mockRestore();
    // The instance dies as well: the next one goes on.
    const killed = runInDurableObject(answerObject(id), (_, state) => state.abort("died"));
    await killed.catch(() => undefined);
    await ringLater(answerObject(id));
    expect(await storesWith(id)).not.toContain("AnswerObject.answer");
  });

  test("leaves another answer's words in the shared cache: who only found it there, left nothing there", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const other = await openAccount();
    const made = await answered(planted, { cache: "shared" });
    await eventually(async () =>
      expect(await storesWith(planted.answer)).toContain("CacheObject.entry"),
    );
    const hit = await answered(planted, { key: other.key, cache: "shared" });
    expect(hit.cached).toBe(true);
    const gone = await askedAs(other.key, "DELETE", `/v1/answers/${hit.id}`);
    expect(gone.status).toBe(204);
    expect(await storesWith(planted.answer)).toContain("CacheObject.entry");
    expect(await deleted(made.id)).toBe(204);
    expect(await found(planted)).toEqual([]);
  });

  test("is of no avail to a message of the queue that comes late: the list stays without it", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered(draw(), { cache: "off", images: [] });
    expect(await deleted(id)).toBe(204);
    const charge = {
      ...{ id, account: "acc_test", key: "k", model: "unmask-demo", micros: 1, steps: 2, at: 1 },
      listed: { status: "completed", created_at: 1, ended_at: 2 } as const,
    };
    await env.DB.batch([...(await new AnswerIndex(env.DB).ends([charge]))]);
    const row = await env.DB.prepare("SELECT 1 FROM answers WHERE id = ?").bind(id).first();
    expect(row).toBeNull();
  });
});

describe("DELETE /v1/batches/{id}", () => {
  test("leaves nothing of its items, of their answers and of what was told", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const response = await askedAs(env.TEST_API_KEY, "POST", "/v1/batches", {
      items: [{ ...asking(planted), custom_id: planted.name, cache: "off" }],
      webhook: { url: "https://receiver.test/hook" },
    });
    const { id } = await response.json<{ id: string }>();
    await endOfBatch(id);
    expect(await found(planted)).toEqual(
      expect.arrayContaining(["AnswerObject.answer", "BatchObject.items"]),
    );
    await eventually(async () =>
      expect((await ask(`/v1/batches/${id}`, { method: "DELETE" })).status).toBe(204),
    );
    expect(await found(planted)).toEqual([]);
    expect((await ask(`/v1/batches/${id}`)).status).toBe(404);
  });
});

async function ringLater(object: ReturnType<typeof answerObject>): Promise<void> {
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 30_000);
  await runDurableObjectAlarm(object);
  clock.mockRestore();
}
