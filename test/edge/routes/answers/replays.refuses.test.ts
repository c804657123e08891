import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MODEL_MS } from "#edge/models/heard-word.ts";
import { GENERATE_PATH } from "#wire/function/generate.ts";
import { DECODER_VERSION } from "#wire/function/replay-digest.ts";
import { story } from "../../../support/edge-builders.ts";
import { answerObject } from "../../answer-objects.ts";
import { modelReply } from "../../cache/model-reply.ts";
import { ask, digest, eventReply, functionReplies, refusal } from "../../function-double.ts";
import { administer, newKey, openAccount } from "../administration.ts";
import { answered, replay } from "../replays.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "log").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

/** As the answer's alarm does after a day. */
async function forgetQuestion(id: string): Promise<void> {
  await runInDurableObject(answerObject(id), (_, { storage }) => {
    storage.sql.exec(
      `UPDATE answer SET head = NULL, inline = NULL, places = NULL
         WHERE answer = ? AND record = 'order/0001'`,
      id,
    );
  });
}

describe("POST /v1/answers/{id}/replay refuses, and runs nothing for,", () => {
  test.each(["ans_1", "img_1", "%2e%2e", "ans_0Kb3nV7cQ2xY9mTgA4hZw"])(
    "%s, which is no answer",
    async (id) => {
      const { sent } = functionReplies(() => eventReply(story));
      expect(await refusal(await replay(id))).toMatchObject({ code: "not_found", status: 404 });
      expect(sent).toEqual([]);
    },
  );

  test("another account's answer", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    const { key } = await openAccount({}, 0);
    const { sent } = functionReplies(() => eventReply(story));
    const response = await replay(id, { authorization: `Bearer ${key}` });
    expect(await refusal(response)).toMatchObject({ code: "not_found" });
    expect(sent).toEqual([]);
  });

  test("an answer of weights that nobody serves any more: both are named", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * MODEL_MS });
    const served = "cd".repeat(32);
    const { orders } = functionReplies(({ url }) => {
      if (url.endsWith(GENERATE_PATH)) throw new Error("nobody is to be asked");
      return modelReply(served);
    }, "asked");
    const problem = await refusal(await replay(id)).finally(() => vi.useRealTimers());
    expect(problem).toMatchObject({ code: "not_replayable", status: 409 });
    expect(problem.detail).toContain(digest.slice(0, 12));
    expect(problem.detail).toContain(served.slice(0, 12));
    expect(orders).toEqual([]);
  });

  test("an answer that was not completed", async () => {
    functionReplies(({ signal }) => {
      const { promise, reject } = Promise.withResolvers<Response>();
      signal.addEventListener("abort", () => reject(signal.reason));
      return promise;
    });
    const { id, status } = await answered({ deadline_ms: 1 });
    expect(status).toBe("partial");
    const problem = await refusal(await replay(id));
    expect(problem).toMatchObject({ code: "not_replayable", status: 409 });
    expect(problem.detail).toContain("was not completed");
  });

  test("an answer whose question is not kept any more", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    await forgetQuestion(id);
    expect(await refusal(await replay(id))).toMatchObject({ code: "not_replayable" });
  });

  test("an answer of an older decoder, naming both versions: it would answer otherwise and pass for a mismatch", async () => {
    for (const older of [null, "1"]) {
      const { sent } = functionReplies(() => eventReply(story));
      const { id } = await answered();
      const made = runInDurableObject(answerObject(id), async (_, state) => {
        const { storage } = state;
        const query = "UPDATE answer SET decoder = ? WHERE answer = ? AND record = 'end'";
        storage.sql.exec(query, older, id);
        await storage.sync();
        // What it remembers of its end is what it wrote; the next instance reads it.
        state.abort("a newer version is deployed");
      });
      await made.catch(() => undefined);
      const asked = sent.length;
      const problem = await refusal(await replay(id));
      expect(problem).toMatchObject({ code: "not_replayable", status: 409, retryable: false });
      expect(problem.detail).toContain("decoder version 1;");
      expect(problem.detail).toContain(`version ${DECODER_VERSION} is served`);
      expect(sent).toHaveLength(asked);
    }
  });

  test("but tells again what a replay with this Idempotency-Key was told, though the question is forgotten by now", async () => {
    functionReplies(() => eventReply(story));
    const { id } = await answered();
    const headers = { "idempotency-key": crypto.randomUUID() };
    const told = await (await replay(id, headers)).json();
    await forgetQuestion(id);
    const again = await replay(id, headers);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    expect(await again.json()).toEqual(told);
    expect(await refusal(await replay(id))).toMatchObject({ code: "not_replayable" });
  });

  test("an account that cannot pay for it again", async () => {
    const { id: account, key } = await openAccount({}, 0);
    const headers = { authorization: `Bearer ${key}` };
    const { orders } = functionReplies(() => eventReply(story));
    const quote = await ask("/v1/quotes", {
      method: "POST",
      body: JSON.stringify({ question: "?", canvas: 4, steps: 2 }),
      headers: { ...headers, "content-type": "application/json" },
    });
    const { price_micros }: { price_micros: number } = await quote.json();
    await administer("POST", `/v1/accounts/${account}/grants`, { amount_micros: price_micros });
    const response = await ask("/v1/answers", {
      method: "POST",
      body: JSON.stringify({ question: "?", canvas: 4, steps: 2 }),
      headers: { ...headers, "content-type": "application/json" },
    });
    const { id }: { id: string } = await response.json();
    expect(await refusal(await replay(id, headers))).toMatchObject({ code: "insufficient_credit" });
    expect(orders).toHaveLength(1);
  });

  test("a key that may not ask, and an Idempotency-Key that is none", async () => {
    const { key } = await newKey({ scopes: ["usage"] });
    const noScope = await replay("ans_1", { authorization: `Bearer ${key}` });
    expect(await refusal(noScope)).toMatchObject({ code: "scope_missing" });
    const noKey = await replay("ans_1", { "idempotency-key": "x".repeat(256) });
    expect(await refusal(noKey)).toMatchObject({ code: "idempotency_key_invalid" });
  });
});
