import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deleteExpired } from "#edge/retention/expired-uploads.ts";
import type { RetentionObject } from "#edge/retention/retention-object.ts";
import { answerObject } from "../answer-objects.ts";
import { ask, refusal } from "../function-double.ts";
import { administer, openAccount } from "../routes/administration.ts";
import { askedAs } from "./calls.ts";
import { eventually, storesWith } from "./everything.ts";
import { answered, asking, draw, functionTelling, picture } from "./planted.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

/** Rings an alarm as if so many seconds had gone by. */
async function later(object: DurableObjectStub, seconds: number): Promise<void> {
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + seconds * 1000);
  await runDurableObjectAlarm(object);
  clock.mockRestore();
}

/** The same of every cached answer. */
async function ringCaches(seconds: number): Promise<void> {
  for (const id of await listDurableObjectIds(env.CACHE)) await later(env.CACHE.get(id), seconds);
}

async function fetchUpload(key: string, body: Uint8Array<ArrayBuffer>): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "image/png" };
  return await ask("/v1/images", { method: "POST", body, headers });
}

describe("how long an answer is kept", () => {
  test("is what its account says: question and pictures first, then the answer, with its cached copy and its reply", async () => {
    const { id: account, key } = await openAccount();
    const retention = { question_seconds: 60, answer_seconds: 600, delivery_seconds: 0 };
    const changed = await administer("PATCH", `/v1/accounts/${account}`, { retention });
    expect(await changed.json()).toMatchObject({ retention });
    const planted = draw();
    functionTelling(planted.answer);
    // The key was read before its account changed; nothing has asked with it yet.
    const headers = { "idempotency-key": crypto.randomUUID() };
    const { id } = await answered(planted, { key, headers });
    await eventually(async () =>
      expect(await storesWith(planted.answer)).toContain("CacheObject.entry"),
    );
    const object = answerObject(id, account);
    await eventually(async () => {
      await later(object, 65);
      expect(await storesWith(planted.question)).toEqual([]);
      expect(await storesWith(planted.large)).toEqual([]);
    });
    expect(await storesWith(planted.answer)).toContain("AnswerObject.answer");
    await eventually(async () => {
      await later(object, 610);
      expect(await storesWith(planted.answer)).toEqual(["CacheObject.entry"]);
    });
    await eventually(async () => {
      await ringCaches(610);
      expect(await storesWith(planted.answer)).toEqual([]);
    });
  });

  test("may be shorter for one request, and no longer than its account's", async () => {
    const planted = draw();
    functionTelling(planted.answer);
    const short = { retention: { question_seconds: 0, answer_seconds: 60 }, cache: "off" };
    const { id } = await answered(planted, short);
    await eventually(async () => {
      await later(answerObject(id), 1);
      expect(await storesWith(planted.question)).toEqual([]);
    });
    await eventually(async () => {
      await later(answerObject(id), 61);
      expect(await storesWith(planted.answer)).toEqual([]);
    });
    const long = { ...asking(planted), retention: { answer_seconds: 2_000_000 } };
    const problem = await refusal(await askedAs(env.TEST_API_KEY, "POST", "/v1/answers", long));
    expect(problem.errors).toMatchObject([{ pointer: "/retention/answer_seconds" }]);
  });

  test("is told with the account, and set back with null", async () => {
    const { id, key } = await openAccount();
    const own = async (): Promise<unknown> =>
      (await (await askedAs(key, "GET", "/v1/account")).json<{ retention: unknown }>()).retention;
    const standard = {
      ...{ question_seconds: 86_400, answer_seconds: 604_800 },
      ...{ delivery_seconds: 2_592_000, upload_seconds: 2_592_000 },
    };
    expect(await own()).toEqual(standard);
    await administer("PATCH", `/v1/accounts/${id}`, { retention: { answer_seconds: 3600 } });
    expect(await own()).toEqual({ ...standard, answer_seconds: 3600 });
    await administer("PATCH", `/v1/accounts/${id}`, { retention: null });
    expect(await own()).toEqual(standard);
    const refused = await administer("PATCH", `/v1/accounts/${id}`, {
      retention: { answer_seconds: 1 },
    });
    expect(await refusal(refused)).toMatchObject({ code: "invalid_request" });
  });
});

test("an upload that is kept while others are swept is remembered", async () => {
  const account = `acc_${crypto.randomUUID()}`;
  const stub = env.KEEPERS.getByName(account);
  const [first, second] = [Date.now() + 1_000, Date.now() + 3_600_000];
  await stub.uploadKept(account, first);
  const left = await runInDurableObject(stub, async (keeper: RetentionObject, { storage }) => {
    const clock = vi.spyOn(Date, "now").mockReturnValue(first + 1);
    // The alarm waits for the bucket while the other call is heard.
    await Promise.all([keeper.alarm(), keeper.uploadKept(account, second)]);
    clock.mockRestore();
    return storage.kv.get<number>("uploads");
  });
  expect(left).toBe(second);
});

test("an upload that is sent again while it is swept is not deleted", async () => {
  const deleted: string[] = [];
  const metadata = (at: number) => ({ customMetadata: { expires_at: String(at) } });
  const again = { key: "acc/again", ...metadata(2_000) };
  const over = { key: "acc/over", ...metadata(10) };
  const bucket = {
    list: async () => ({ truncated: false, objects: [{ ...again, ...metadata(10) }, over] }),
    head: async (key: string) => (key === over.key ? over : again),
    delete: async (keys: string[]) => void deleted.push(...keys),
  };
  await deleteExpired(bucket as unknown as R2Bucket, "acc", 1_000);
  expect(deleted).toEqual(["acc/over"]);
});

test("an upload is deleted when its time is over, by an alarm of its account, and no other", async () => {
  const { id: account, key } = await openAccount();
  await administer("PATCH", `/v1/accounts/${account}`, { retention: { upload_seconds: 60 } });
  const planted = draw();
  functionTelling("nothing");
  const sent = await fetchUpload(key, picture(planted.small));
  expect(sent.status).toBe(201);
  const keeper = env.KEEPERS.getByName(account);
  await later(keeper, 30);
  expect(await storesWith(planted.small)).toHaveLength(1);
  await later(keeper, 61);
  expect(await storesWith(planted.small)).toEqual([]);
});
