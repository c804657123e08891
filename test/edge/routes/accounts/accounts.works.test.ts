import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { accountSchema, refundedSchema } from "#wire/api/accounts/accounts.ts";
import { ledgerListSchema } from "#wire/api/accounts/usage.ts";
import { ask, askJson, refusal } from "../../function-double.ts";
import { accountWithCharge, administer, newKey } from "../administration.ts";

afterEach(() => vi.useRealTimers());

describe("a refund works", () => {
  test("gives captured money back, and the ledger tells it beside its answer", async () => {
    const { account, key } = await accountWithCharge("ans_given_back", 40);
    const refund = { id: "rfd_1", answer: "ans_given_back", amount_micros: 15 };
    const refunded = await administer("POST", `/v1/accounts/${account}/refunds`, refund);
    expect(refunded.status).toBe(201);
    expect(refundedSchema.parse(await refunded.json())).toEqual({
      object: "refund",
      account,
      ...refund,
      repeated: false,
    });
    const again = await administer("POST", `/v1/accounts/${account}/refunds`, refund);
    expect(refundedSchema.parse(await again.json())).toMatchObject({ ...refund, repeated: true });
    const listed = await ask("/v1/ledger?limit=1", { headers: { authorization: `Bearer ${key}` } });
    expect(ledgerListSchema.parse(await listed.json()).data).toMatchObject([
      {
        ...{ kind: "refund", amount_micros: 15, available_micros: 975, reference: "rfd_1" },
        ...{ answer: "ans_given_back", key: "key_1" },
      },
    ]);
  });

  test("draws an id where none is given", async () => {
    const { account } = await accountWithCharge("ans_drawn", 40);
    const body = { answer: "ans_drawn", amount_micros: 1 };
    const refunded = await administer("POST", `/v1/accounts/${account}/refunds`, body);
    expect(refundedSchema.parse(await refunded.json()).id).toMatch(/^rfd_/);
  });
});

describe("changing an account works", () => {
  test("replaces what is named and nothing else", async () => {
    await administer("POST", "/v1/accounts", { id: "acc_changed", name: "C" });
    const change = async (body: object) =>
      accountSchema.parse(
        await (await administer("PATCH", "/v1/accounts/acc_changed", body)).json(),
      );
    const before = await change({});
    const limits = { ...before.limits, concurrent: 3 };
    expect(await change({ limits: { concurrent: 3 } })).toEqual({ ...before, limits });
    const billed = { ...before, limits, stripe_customer_id: "cus_9" };
    expect(await change({ stripe_customer_id: "cus_9" })).toEqual(billed);
    expect(await change({ limits: {} })).toEqual(billed);
    expect(await change({ stripe_customer_id: null })).toEqual({
      ...billed,
      stripe_customer_id: null,
    });
  });

  test("limits the keys that it has, within the minute that is promised", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    await administer("POST", "/v1/accounts", { id: "acc_limited", name: "L" });
    const { key } = await newKey({ account: "acc_limited" });
    const authorization = `Bearer ${key}`;
    const question = { question: "?", canvas: 4, steps: 2 };
    expect((await askJson(question, { authorization })).status).toBe(402);
    const limits = { steps_per_minute: 1 };
    await administer("PATCH", "/v1/accounts/acc_limited", { limits });
    vi.setSystemTime(Date.now() + 60_000);
    const refused = await askJson(question, { authorization });
    expect(refused.headers.get("ratelimit")).toContain('"account-steps";r=1;');
    expect(await refusal(refused)).toMatchObject({ status: 429, code: "rate_limited" });
  });

  test("leaves every other account as it is", async () => {
    const read = async () =>
      await env.DB.prepare("SELECT * FROM accounts WHERE id = 'acc_test'").first();
    const before = await read();
    await administer("POST", "/v1/accounts", { id: "acc_alone", name: "A" });
    await administer("PATCH", "/v1/accounts/acc_alone", { limits: { concurrent: 1 } });
    expect(await read()).toEqual(before);
  });
});
