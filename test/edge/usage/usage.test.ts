import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Bindings } from "#edge/env.ts";
import worker from "#edge/worker.ts";
import { ledgerListSchema, type UsageRow, usageListSchema } from "#wire/api/accounts/usage.ts";
import type { UsageEvent } from "#wire/function/usage-event.ts";
import { ask, functionReplies, refusal } from "../function-double.ts";
import { administer, newKey } from "../routes/administration.ts";

afterEach(() => vi.restoreAllMocks());

const day = Date.UTC(2026, 10, 23, 12);

function event(id: string, overrides: Partial<UsageEvent> = {}): UsageEvent {
  const model = "unmask-demo";
  return {
    id,
    account: "acc_test",
    key: "key1",
    model,
    micros: 40,
    steps: 8,
    at: day,
    ...overrides,
  };
}

async function deliver(bodies: readonly unknown[], bindings: Bindings = env) {
  const messages = bodies.map((body, index) => ({
    id: `m${index}`,
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch("unmask-usage", messages);
  const context = createExecutionContext();
  await worker.queue?.(batch, bindings, context);
  return await getQueueResult(batch, context);
}

async function account(): Promise<{ id: string; key: string }> {
  const response = await administer("POST", "/v1/accounts", {
    name: "U",
    stripe_customer_id: "cus_1",
  });
  const { id }: { id: string } = await response.json();
  return { id, key: (await newKey({ account: id })).key };
}

async function usage(key: string, query = ""): Promise<Response> {
  return await ask(`/v1/usage${query}`, { headers: { authorization: `Bearer ${key}` } });
}

describe("the list of answers", () => {
  test("learns with the usage how an answer ended, once, whether it knew it before or not", async () => {
    const { id: accountId, key } = await account();
    const created_at = day - 1_000;
    const listed = { status: "completed", created_at, ended_at: day } as const;
    const charge = { ...event(`${accountId}1`, { account: accountId }), listed };
    await deliver([charge, charge]);
    await deliver([charge, event(`${accountId}2`, { account: accountId })]);
    const reply = await ask("/v1/answers", { headers: { authorization: `Bearer ${key}` } });
    expect(await reply.json()).toMatchObject({
      data: [
        {
          ...{ id: `${accountId}1`, status: "completed", charged_micros: 40, model: "unmask-demo" },
          ...{
            created_at: new Date(created_at).toISOString(),
            ended_at: new Date(day).toISOString(),
          },
        },
      ],
    });
  });
});

describe("usage works", () => {
  test("summed by day, key and model, latest day first, page after page", async () => {
    const { id, key } = await account();
    await deliver([
      event(`${id}1`, { account: id }),
      event(`${id}2`, { account: id, steps: 4, micros: 2 }),
      event(`${id}3`, { account: id, key: "key2" }),
      event(`${id}4`, { account: id, at: day + 86_400_000 }),
      event(`${id}5`, { account: id, model: "other" }),
    ]);
    const rows: UsageRow[] = [];
    let path: string | undefined = "/v1/usage?limit=2";
    while (path !== undefined) {
      const response = await ask(path, { headers: { authorization: `Bearer ${key}` } });
      rows.push(...usageListSchema.parse(await response.json()).data);
      path = /^<(.+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(
      rows.map((row) => [row.day, row.key, row.model, row.answers, row.charged_micros]),
    ).toEqual([
      ["2026-11-24", "key1", "unmask-demo", 1, 40],
      ["2026-11-23", "key1", "other", 1, 40],
      ["2026-11-23", "key1", "unmask-demo", 2, 42],
      ["2026-11-23", "key2", "unmask-demo", 1, 40],
    ]);
    const filtered = await usage(key, "?to=2026-11-23&key=key1&model=unmask-demo");
    expect((await filtered.json<{ data: object[] }>()).data).toHaveLength(1);
  });

  test("as CSV where it is asked for", async () => {
    const { id, key } = await account();
    await deliver([event(id, { account: id, model: '=HYPERLINK("x")' })]);
    const asked = await usage(key, "?format=csv");
    expect(asked.headers.get("content-type")).toMatch(/^text\/csv/);
    expect(await asked.text()).toBe(
      'day,key,model,answers,steps,charged_micros\r\n2026-11-23,key1,"\'=HYPERLINK(""x"")",1,8,40\r\n',
    );
    const ledger = await ask("/v1/ledger", { headers: { accept: "text/csv" } });
    expect(await ledger.text()).toMatch(/^seq,created_at,kind,/);
  });

  test("as CSV of the whole range, page after page in one reply, or of one page where a limit is given", async () => {
    const { id, key } = await account();
    const count = 1500;
    const events = Array.from({ length: count }, (_, index) =>
      event(`${id}${index}`, { account: id, key: `key${String(index).padStart(4, "0")}` }),
    );
    await deliver(events);
    await deliver([event(`${id}later`, { account: id, at: day + 86_400_000 })]);
    const whole = await usage(key, "?format=csv&to=2026-11-23");
    expect(whole.headers.get("link")).toBeNull();
    const lines = (await whole.text()).trim().split("\r\n");
    expect(lines).toHaveLength(count + 1);
    expect(new Set(lines).size).toBe(count + 1);
    const page = await usage(key, "?format=csv&limit=2");
    expect((await page.text()).trim().split("\r\n")).toHaveLength(3);
    expect(page.headers.get("link")).toMatch(/rel="next"$/);
  });

  test("a refund lowers the usage of its charge's own day, once, also where it is told before its charge", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { id, key } = await account();
    const refund = {
      ...{ id: `${id} sorry`, account: id, refund_of: `${id}1` },
      ...{ micros: 15, at: day + 86_400_000 },
    };
    expect((await deliver([refund])).retryMessages).toEqual([{ msgId: "m0" }]);
    await deliver([refund, event(`${id}1`, { account: id })]);
    await deliver([refund]);
    const { data } = usageListSchema.parse(await (await usage(key)).json());
    expect(data).toMatchObject([{ day: "2026-11-23", answers: 1, steps: 8, charged_micros: 25 }]);
  });

  test("a batch counts as so many answers as it was paid for", async () => {
    const { id, key } = await account();
    await deliver([event(id, { account: id, answers: 7 })]);
    const { data } = usageListSchema.parse(await (await usage(key)).json());
    expect(data).toMatchObject([{ answers: 7, charged_micros: 40 }]);
  });

  test("the ledger as CSV of the days that are asked for", async () => {
    const { id, key } = await account();
    for (const [amount, at] of [
      [1, day - 86_400_000],
      [2, day],
      [3, day + 86_400_000],
    ] as const) {
      vi.useFakeTimers({ toFake: ["Date"], now: at });
      await administer("POST", `/v1/accounts/${id}/grants`, { amount_micros: amount });
    }
    vi.useRealTimers();
    const path = "/v1/ledger?format=csv&from=2026-11-23&to=2026-11-23";
    const asked = await ask(path, { headers: { authorization: `Bearer ${key}` } });
    const lines = (await asked.text()).trim().split("\r\n");
    expect(lines.slice(1).map((line) => line.split(",").slice(2, 4))).toEqual([["grant", "2"]]);
  });

  test("the ledger's pages lead on by their Link", async () => {
    const { id, key } = await account();
    for (const amount_micros of [1, 2, 3])
      await administer("POST", `/v1/accounts/${id}/grants`, { amount_micros });
    const amounts: number[] = [];
    let path: string | undefined = "/v1/ledger?limit=2";
    while (path !== undefined) {
      const response = await ask(path, { headers: { authorization: `Bearer ${key}` } });
      const { data } = ledgerListSchema.parse(await response.json());
      amounts.push(...data.map((entry) => entry.amount_micros));
      path = /^<(.+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(amounts).toEqual([3, 2, 1]);
  });

  test("charges reach Stripe in its own field names where that is set up", async () => {
    const { id } = await account();
    const { sent } = functionReplies(() => Response.json({ object: "billing.meter_event" }));
    const stripe = { key: "sk_test_x", meter: "unmask_micros", url: "http://stripe.test" };
    const result = await deliver(
      [event(`${id}1`, { account: id }), event(`${id}2`, { micros: 0 })],
      {
        ...env,
        STRIPE: JSON.stringify(stripe),
      },
    );
    expect(result.explicitAcks).toEqual(["m0", "m1"]);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).toBe("http://stripe.test/v1/billing/meter_events");
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer sk_test_x");
    expect(sent[0]?.headers.get("content-type")).toMatch(/^application\/x-www-form-urlencoded/);
    const fields = new URLSearchParams(new TextDecoder().decode(sent[0]?.body));
    expect(Object.fromEntries(fields)).toEqual({
      event_name: "unmask_micros",
      identifier: `${id}1`,
      timestamp: String(day / 1000),
      "payload[stripe_customer_id]": "cus_1",
      "payload[value]": "40",
    });
  });
});

describe("usage refuses", () => {
  test.each([
    "?limit=0",
    "?limit=101",
    "?from=yesterday",
    "?colour=red",
    "?after=x",
    "?format=xml",
  ])("%s, with a pointer", async (query) => {
    const problem = await refusal(await usage(env.TEST_API_KEY, query));
    const [name] = query.slice(1).split("=");
    expect(problem.errors).toMatchObject([{ pointer: `/${name}` }]);
  });

  test("keys without the scope", async () => {
    const { key } = await newKey({ scopes: ["ask"] });
    expect(await refusal(await usage(key))).toMatchObject({ status: 403, code: "scope_missing" });
  });

  test("to show one account another's", async () => {
    const [mine, other] = [await account(), await account()];
    await deliver([event(`${mine.id}x`, { account: mine.id })]);
    expect((await (await usage(other.key)).json<{ data: object[] }>()).data).toEqual([]);
  });

  test("to change or delete what it has copied", async () => {
    await deliver([event("kept")]);
    for (const sql of ["UPDATE usage SET charged_micros = 0", "DELETE FROM usage"])
      await expect(env.DB.prepare(sql).run()).rejects.toThrow("append-only");
  });
});

describe("usage withstands", () => {
  test("the same message twice, in one batch and in two", async () => {
    const { id, key } = await account();
    const twice = event(id, { account: id });
    await deliver([twice, twice]);
    expect((await deliver([twice])).explicitAcks).toEqual(["m0"]);
    const { data } = usageListSchema.parse(await (await usage(key)).json());
    expect(data).toMatchObject([{ answers: 1, charged_micros: 40 }]);
  });

  test("a message that is no usage: it is kept for a person, the others are copied", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { id } = await account();
    const result = await deliver([{ nonsense: true }, event(id, { account: id })]);
    expect(result.explicitAcks).toEqual(["m1"]);
    expect(result.retryMessages).toEqual([{ msgId: "m0" }]);
  });

  test("a Stripe that is down: the copy is made, the export is tried again", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    functionReplies(() => new Response(null, { status: 503 }));
    const { id, key } = await account();
    const stripe = JSON.stringify({ key: "k", meter: "m", url: "http://stripe.test" });
    const result = await deliver([event(id, { account: id })], { ...env, STRIPE: stripe });
    expect(result.retryMessages).toEqual([{ msgId: "m0" }]);
    expect((await (await usage(key)).json<{ data: object[] }>()).data).toHaveLength(1);
  });

  test("while the database is away: each is tried again, later from time to time, beyond an hour", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const away = {
      prepare: () => {
        throw new Error("D1 is away");
      },
    } as unknown as D1Database;
    const delays: number[] = [];
    const retry = ({ delaySeconds = 0 }: QueueRetryOptions) => void delays.push(delaySeconds);
    const ack = vi.fn();
    for (let attempts = 1; attempts <= 10; attempts++) {
      const message = { id: "m", body: event("one"), attempts, ack, retry };
      const batch = { queue: "unmask-usage", messages: [message] } as unknown;
      await worker.queue?.(
        batch as MessageBatch<unknown>,
        { ...env, DB: away },
        createExecutionContext(),
      );
    }
    expect(ack).not.toHaveBeenCalled();
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(delays.reduce((sum, one) => sum + one)).toBeGreaterThan(3_600);
  });
});
