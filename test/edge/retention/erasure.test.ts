import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AccountTable } from "#edge/accounts/account-store.ts";
import { keyCache } from "#edge/keys/key-cache.ts";
import { erasedIdOf, ledgerOf } from "#edge/ledger/ledger-client.ts";
import { AccountRows } from "#edge/retention/account-rows.ts";
import { consumeUsage } from "#edge/usage/consume.ts";
import { type ErasureBody, erasureSchema } from "#wire/api/accounts/erasures.ts";
import { ask, refusal } from "../function-double.ts";
import { administer, newKey, openAccount } from "../routes/administration.ts";
import { askedAs } from "./calls.ts";
import { eventually, everythingKept, storesWith } from "./everything.ts";
import { answered, asking, draw, functionTelling, type Planted, picture } from "./planted.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

const MINUTE_MS = 60_000;

/** An account that has something in every store that accounts have something in. */
async function livelyAccount(planted: Planted): Promise<{ id: string; key: string }> {
  const { id, key } = await openAccount({
    name: planted.name,
    scopes: ["ask", "webhooks", "usage", "keys"],
  });
  functionTelling(planted.answer);
  const endpoint = { url: `https://receiver.test/${planted.name}`, events: ["answer.completed"] };
  await askedAs(key, "POST", "/v1/webhook_endpoints", endpoint);
  const webhook = { url: `https://receiver.test/${planted.name}` };
  const headers = { "idempotency-key": planted.name };
  await answered(planted, { key, webhook, headers, cache: "shared" });
  const token = await askedAs(key, "POST", "/v1/client_tokens", {
    ...{ subject: planted.name, ttl_seconds: 600, spend_cap_micros: 100_000 },
  });
  const { token: bearer } = await token.json<{ token: string }>();
  await answered({ ...planted, question: `${planted.question}-2` }, { key: bearer });
  const upload = { authorization: `Bearer ${key}`, "content-type": "image/png" };
  await ask("/v1/images", { method: "POST", body: picture(planted.small), headers: upload });
  const batch = await askedAs(key, "POST", "/v1/batches", {
    items: [{ ...asking(planted), custom_id: planted.name, cache: "off" }],
  });
  const { id: batchId } = await batch.json<{ id: string }>();
  await eventually(async () => {
    await runDurableObjectAlarm(env.BATCHES.getByName(batchId));
    const shown = await (await askedAs(key, "GET", `/v1/batches/${batchId}`)).json<{
      ended_at: string | null;
    }>();
    expect(shown.ended_at).not.toBeNull();
  });
  return { id, key };
}

async function erase(id: string): Promise<ErasureBody> {
  const response = await administer("POST", `/v1/accounts/${id}/erase`, { confirm: id });
  return erasureSchema.parse(await response.json());
}

/** Lets the account's keeper do what is due, as if so many minutes had gone by; says how far it is. */
async function after(minutes: number, id: string, erasure: string): Promise<ErasureBody> {
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + minutes * MINUTE_MS);
  await runDurableObjectAlarm(env.KEEPERS.getByName(id));
  clock.mockRestore();
  return erasureSchema.parse(await (await ask(`/v1/erasures/${erasure}`)).json());
}

/** Lets a minute after the other go by, as far as its keeper knows, until it is there. */
async function until(
  phase: ErasureBody["phase"],
  id: string,
  erasure: string,
): Promise<ErasureBody> {
  for (let minutes = 2; minutes < 90; minutes += 1) {
    const body = await after(minutes, id, erasure);
    if (body.phase === phase) return body;
  }
  throw new Error(`the erasure of ${id} never came to be ${phase}`);
}

async function found(planted: Planted): Promise<readonly string[]> {
  return await storesWith(...Object.values(planted));
}

describe("the erasure of an account", () => {
  test("leaves nothing of its questions, pictures, answers, names, keys, webhooks and usage in any store; its ledger stays, under a pseudonym", async () => {
    const planted = draw();
    const { id, key } = await livelyAccount(planted);
    expect(await found(planted)).toEqual(
      expect.arrayContaining([
        ...["AnswerObject.answer", "BatchObject.items", "CacheObject.entry", "D1.keys"],
        ...["LedgerObject.replies", "WebhookObject.endpoints", "WebhookObject.notices"],
        expect.stringMatching(/^R2\.IMAGES\//),
      ]),
    );
    const spent = (await ledgerOf(env, id).balance()).revenue;
    expect(spent).toBeGreaterThan(0n);

    const erasure = await erase(id);
    expect(erasure).toMatchObject({ status: "running", ended_at: null });
    expect(erasure.account).toMatch(/^erased_[0-9a-f]{64}$/);
    keyCache.forget(key.split("_")[2] ?? "");
    expect((await askedAs(key, "GET", "/v1/account")).status).toBe(401);
    // A minute for Workers that have read the key, then everything, then once more.
    await until("again", id, erasure.id);
    expect(await until("done", id, erasure.id)).toMatchObject({ status: "done" });

    expect(await found(planted)).toEqual([]);
    const left = (await everythingKept()).filter(({ text }) => text.includes(id));
    expect(left).toEqual([]);
    const pseudonym = erasure.account;
    expect((await ledgerOf(env, pseudonym).balance()).revenue).toBe(spent);
    const { entries } = await ledgerOf(env, pseudonym).entries({ limit: 100 });
    expect(entries.length).toBeGreaterThan(2);
    expect(new Set(entries.map(({ keyId }) => keyId))).toEqual(new Set([null, "erased"]));
    const shown = await administer("GET", `/v1/accounts/${pseudonym}/ledger`);
    expect(shown.status).toBe(200);
    expect(await new AccountTable(env.DB).find(id)).toBeUndefined();
  }, 60_000);

  test("goes on where it was when it dies at any step, and is the same erasure however often it is asked for", async () => {
    const planted = draw();
    const { id } = await openAccount();
    const { key } = await newKey({ account: id });
    functionTelling(planted.answer);
    await answered(planted, { key });
    const first = await erase(id);
    expect((await erase(id)).id).toBe(first.id);
    const broken = vi.spyOn(AccountRows.prototype, "delete").mockRejectedValue(new Error("away"));
    await until("rows", id, first.id);
    expect((await after(5, id, first.id)).phase).toBe("rows");
    broken.mockRestore();
    const killed = runInDurableObject(env.KEEPERS.getByName(id), (_, state) => state.abort("died"));
    await killed.catch(() => undefined);
    await until("done", id, first.id);
    expect(await found(planted)).toEqual([]);
    // Done, it is still told, and begins no other.
    expect(await erase(id)).toMatchObject({ id: first.id, status: "done" });
    const again = await administer("POST", "/v1/accounts", { id, name: "Again" });
    expect(await refusal(again)).toMatchObject({ code: "already_exists" });
  }, 60_000);

  test("drops what the queue brings late", async () => {
    const { id } = await openAccount();
    await erase(id);
    const charge = {
      id: `ans_${id}`,
      account: id,
      key: "k",
      model: "m",
      micros: 1,
      steps: 1,
      at: 1,
    };
    const refusal = { id: `ref_${id}`, account: id, key: "k", code: "c", count: 1, at: 1 };
    const bodies = [charge, refusal].map((body) => ({
      id: body.id,
      body,
      timestamp: new Date(),
      attempts: 1,
    }));
    const batch = createMessageBatch("unmask-usage", bodies);
    const context = createExecutionContext();
    await consumeUsage(batch, env);
    const { explicitAcks } = await getQueueResult(batch, context);
    expect(explicitAcks.toSorted()).toEqual([`ans_${id}`, `ref_${id}`]);
    expect(await storesWith(`ans_${id}`)).toEqual([]);
    expect(await storesWith(`ref_${id}`)).toEqual([]);
  });

  test("is asked for by the account itself with a key that manages keys, and its own id to confirm it", async () => {
    const { id, key } = await openAccount({ scopes: ["ask", "keys"] });
    const { key: asker } = await newKey({ account: id, scopes: ["ask"] });
    const confirm = { confirm: id };
    const forbidden = await askedAs(asker, "POST", "/v1/account/erase", confirm);
    expect(await refusal(forbidden)).toMatchObject({ code: "scope_missing" });
    const mistaken = await askedAs(key, "POST", "/v1/account/erase", { confirm: "acc_test" });
    expect(await refusal(mistaken)).toMatchObject({ code: "invalid_request" });
    const { key: keeper } = await newKey({ account: id, scopes: ["keys"] });
    const erased = await askedAs(keeper, "POST", "/v1/account/erase", confirm);
    expect(erased.status).toBe(202);
    const body = erasureSchema.parse(await erased.json());
    expect(erased.headers.get("location")).toBe(`/v1/erasures/${body.id}`);
    expect(body.account).toBe(erasedIdOf(env, id));
    const unknown = await administer("POST", "/v1/accounts/acc_none/erase", {
      confirm: "acc_none",
    });
    expect(await refusal(unknown)).toMatchObject({ code: "not_found" });
    expect((await ask("/v1/erasures/era_none", { headers: { authorization: "" } })).status).toBe(
      404,
    );
  });
});
