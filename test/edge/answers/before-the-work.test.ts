import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AnswerObject } from "#edge/answers/hosting/answer-object.ts";
import { ledgerOf } from "#edge/ledger/ledger-client.ts";
import { LedgerObject } from "#edge/ledger/ledger-object.ts";
import { HOLD_LIFETIME_MS } from "#edge/ledger/storage/hold-rows.ts";
import { answerSchema } from "#wire/api/answers/responses.ts";
import { story } from "../../support/edge-builders.ts";
import { answerObject } from "../answer-objects.ts";
import { askJson, eventReply, functionReplies, refusal } from "../function-double.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => vi.restoreAllMocks());

const asked = { question: "What is this?", canvas: 4, steps: 2, cache: "off" };

async function books(): Promise<{ available: bigint; held: bigint }> {
  const { available, held } = await ledgerOf(env, "acc_test").balance();
  return { available, held };
}

/** Lets a hold's whole life pass, without a sign of it, and says what has become of it. Other tests' holds are left as they are. */
async function letExpire(holdId: string): Promise<unknown> {
  const ledger = env.LEDGER.getByName("acc_test");
  await runInDurableObject(ledger, (_, { storage }) => {
    storage.sql.exec(
      "UPDATE holds SET expires_at = expires_at - ? WHERE id = ?",
      HOLD_LIFETIME_MS,
      holdId,
    );
  });
  await runDurableObjectAlarm(ledger);
  return await stateOf(holdId);
}

async function stateOf(holdId: string): Promise<unknown> {
  return await runInDurableObject(
    env.LEDGER.getByName("acc_test"),
    (_, { storage }) =>
      storage.sql.exec("SELECT state FROM holds WHERE id = ?", holdId).one()["state"],
  );
}

describe("a hold", () => {
  test("that cannot be made: the request fails, nothing is held, and no function is asked", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const before = await books();
    vi.spyOn(LedgerObject.prototype, "hold").mockRejectedValueOnce(new Error("moved"));
    expect((await refusal(await askJson(asked))).code).toBe("internal");
    expect([await books(), sent.length]).toEqual([before, 0]);
  });

  test("whose word is lost on the way back is given back when it expires; a retry waits for that, then runs", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    let holdId = "";
    const { hold } = LedgerObject.prototype;
    vi.spyOn(LedgerObject.prototype, "hold").mockImplementationOnce(async function (
      this: LedgerObject,
      request,
    ) {
      await hold.call(this, request);
      holdId = request.holdId;
      throw new Error("the reply was lost");
    });
    const key = { "idempotency-key": crypto.randomUUID() };
    // The request itself looks once more for what it was told, and finds itself under way.
    expect((await askJson(asked, key)).ok).toBe(false);
    expect(await stateOf(holdId)).toBe("open");
    expect((await refusal(await askJson(asked, key))).code).toBe("idempotency_in_progress");
    expect([await letExpire(holdId), sent.length]).toEqual(["released", 0]);
    expect((await askJson(asked, key)).status).toBe(200);
    expect(sent.length).toBe(1);
  });
});

describe("a start", () => {
  test("that cannot be made, however often: the hold is given back and the request fails", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const before = await books();
    const start = vi
      .spyOn(AnswerObject.prototype, "run")
      .mockRejectedValue(new Error("out of reach"));
    expect((await refusal(await askJson(asked))).code).toBe("internal");
    expect([await books(), sent.length]).toEqual([before, 0]);
    expect(start.mock.calls.length).toBeGreaterThan(1);
  });

  test("that is repeated because its word was lost begins nothing twice", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const before = await books();
    const { run } = AnswerObject.prototype;
    const started = vi.spyOn(AnswerObject.prototype, "run").mockImplementationOnce(async function (
      this: AnswerObject,
      order,
    ) {
      await run.call(this, order, 0);
      throw new Error("the reply was lost");
    });
    const body = answerSchema.parse(await (await askJson(asked)).json());
    expect(body.status).toBe("completed");
    expect([started.mock.calls.length, sent.length]).toEqual([2, 1]);
    const after = await books();
    expect([before.available - after.available, after.held]).toEqual([
      BigInt(body.charged_micros),
      before.held,
    ]);
  });
});

describe("an answer whose deadline comes before its function is asked", () => {
  test("is looked after from the moment that it has ended: what is left to do survives its object", async () => {
    const { sent } = functionReplies(() => eventReply(story));
    const { hold, release } = LedgerObject.prototype;
    vi.spyOn(LedgerObject.prototype, "hold").mockImplementationOnce(async function (
      this: LedgerObject,
      request,
    ) {
      await scheduler.wait(20);
      return await hold.call(this, request);
    });
    const alarms: (number | null)[] = [];
    vi.spyOn(LedgerObject.prototype, "release").mockImplementationOnce(async function (
      this: LedgerObject,
      holdId,
    ) {
      const answer = answerObject(holdId);
      alarms.push(await runInDurableObject(answer, (_, { storage }) => storage.getAlarm()));
      return await release.call(this, holdId);
    });
    const body = answerSchema.parse(await (await askJson({ ...asked, deadline_ms: 1 })).json());
    expect([body.status, body.charged_micros, sent.length]).toEqual(["partial", 0, 0]);
    expect(alarms).toEqual([expect.any(Number)]);
  });
});
