import {
  applyD1Migrations,
  createExecutionContext,
  createMessageBatch,
  type D1Migration,
  getQueueResult,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { listedEnd } from "#edge/answers/storage/listed-end.ts";
import { type EdgeMetric, edgeMetrics } from "#edge/metrics/catalog.ts";
import { HOLD_GRACE_MS, readDatabase } from "#edge/metrics/read-database.ts";
import worker from "#edge/worker.ts";
import type { ClosedFieldBody } from "#wire/api/answers/fields/field-body.ts";
import { type AnswerBody, answerSchema } from "#wire/api/answers/responses.ts";
import type { FunctionStatus } from "#wire/function/status.ts";
import type { MetricEvent, StandingEvent } from "#wire/telemetry/metric-event.ts";
import { type ParsedMetric, parsePrometheus } from "../../support/prometheus-text.ts";
import { dropTables } from "../empty-database.ts";
import { ask, digest, functionReplies, refusal } from "../function-double.ts";
import { administer, openAccount } from "../routes/administration.ts";

afterEach(() => vi.restoreAllMocks());

const HOUR_MS = 3_600_000;

/** A database of its own: what other files' objects tell comes in when it likes. */
const DB = env.OLD_DB;

beforeAll(async () => {
  await dropTables(DB);
  await applyD1Migrations(DB, JSON.parse(env.TEST_MIGRATIONS) as D1Migration[]);
});

async function read(now = Date.now()): Promise<(name: EdgeMetric, ...labels: string[]) => number> {
  const samples = await readDatabase(DB, now);
  return (name, ...labels) =>
    samples.find((one) => one.name === name && one.labels.join() === labels.join())?.value ?? 0;
}

async function deliver(events: readonly unknown[], queue = "unmask-usage") {
  const messages = events.map((body) => ({
    id: crypto.randomUUID(),
    timestamp: new Date(),
    attempts: 1,
    body,
  }));
  const batch = createMessageBatch(queue, messages);
  const context = createExecutionContext();
  await worker.queue?.(batch, { ...env, DB }, context);
  return await getQueueResult(batch, context);
}

function standing(account: string, fields: Partial<StandingEvent>): StandingEvent {
  return {
    kind: "standing",
    id: crypto.randomUUID(),
    account,
    available: 0,
    held: 0,
    revenue: 0,
    issuer: 0,
    owed: 0,
    off_by: 0,
    open_holds: 0,
    oldest_hold_at: null,
    hold_expires_at: null,
    at: Date.now(),
    ...fields,
  };
}

describe("GET /v1/metrics", () => {
  const status: FunctionStatus = {
    model: { name: 'de"mo\\1', version: "1", digest },
    state: "ready",
    loaded_bytes: 40,
    total_bytes: 40,
    eta_seconds: 0,
    replace: false,
    reason: null,
    running: 1,
    places: 4,
    queued: 2,
    queued_steps: 96,
  };

  test("is text that Prometheus reads, with every metric of the catalog and no other", async () => {
    functionReplies(() => Response.json(status));
    const response = await administer("GET", "/v1/metrics");
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    const parsed = parsePrometheus(await response.text());
    expect([...parsed.keys()]).toEqual(Object.keys(edgeMetrics));
    for (const [name, { type, help, labels }] of Object.entries(edgeMetrics)) {
      const metric = parsed.get(name) as ParsedMetric;
      expect([metric.type, metric.help], name).toEqual([type, help]);
      for (const sample of metric.samples) expect(Object.keys(sample.labels), name).toEqual(labels);
    }
    // Another file's test may have asked a function a moment ago.
    const functions = parsed.get("unmask_edge_functions")?.samples ?? [];
    expect(functions.reduce((sum, { value }) => sum + value, 0)).toBe(1);
  });

  test("is for the administrator alone, and costs an account no call", async () => {
    const { key } = await openAccount();
    const refused = await ask("/v1/metrics", { headers: { authorization: `Bearer ${key}` } });
    expect(await refusal(refused)).toMatchObject({ status: 401, code: "unauthenticated" });
    const asked = vi.spyOn(env.LEDGER, "getByName");
    await administer("GET", "/v1/metrics");
    expect(asked).not.toHaveBeenCalled();
  });
});

describe("the totals", () => {
  test("follow what ledgers tell last, however often and in whatever order it arrives", async () => {
    const earlier = await read();
    const account = `acc_${crypto.randomUUID()}`;
    const at = Date.now();
    const first = standing(account, { available: 70, held: 30, issuer: -100, at, open_holds: 1 });
    const second = standing(account, { available: 75, revenue: 25, issuer: -100, at: at + 1 });
    await deliver([second, first, second]);
    await deliver([first]);
    const later = await read();
    const rise = (name: EdgeMetric) => later(name) - earlier(name);
    expect(rise("unmask_edge_accounts")).toBe(1);
    expect(rise("unmask_edge_credit_available_micros")).toBe(75);
    expect(rise("unmask_edge_credit_held_micros")).toBe(0);
    expect(rise("unmask_edge_credit_captured_micros")).toBe(25);
    expect(rise("unmask_edge_credit_issued_micros")).toBe(100);
    expect(rise("unmask_edge_holds_open")).toBe(0);
    await DB.prepare("DELETE FROM account_standings WHERE account_id = ?").bind(account).run();
    expect((await read())("unmask_edge_accounts")).toBe(earlier("unmask_edge_accounts"));
  });

  test("count a charge, a refund, an end and a refusal once, although messages come twice", async () => {
    const earlier = await read();
    const model = `m-${crypto.randomUUID()}`;
    const [account, id] = [`acc_${model}`, `ans_${model}`];
    const at = Date.now();
    const listed = { status: "partial", created_at: at - 4_000, ended_at: at } as const;
    const charge = { id, account, key: "key1", model, micros: 40, steps: 8, at, listed };
    const back = { id: `${account} r`, account, refund_of: id, micros: 15, at };
    const refused = { id: `evt_${model}`, account, key: "key1", code: model, count: 3, at };
    await deliver([charge, charge, refused]);
    await deliver([charge, back, back, refused]);
    const later = await read();
    expect(later("unmask_edge_charges_total", model)).toBe(1);
    expect(later("unmask_edge_charged_micros_total", model)).toBe(40);
    expect(later("unmask_edge_refunded_micros_total", model)).toBe(15);
    expect(later("unmask_edge_steps_total", model)).toBe(8);
    expect(later("unmask_edge_answers_total", model, "partial")).toBe(1);
    expect(later("unmask_edge_answer_seconds_total", model, "partial")).toBe(4);
    expect(later("unmask_edge_refusals_total", model)).toBe(3);
    expect(earlier("unmask_edge_charges_total", model)).toBe(0);
  });

  test("count the fields of an answer by type and how they came out, once and never by name", async () => {
    const model = `m-${crypto.randomUUID()}`;
    const closed: ClosedFieldBody = {
      ...{ type: "boolean", value: true, guess: true, probabilities: [], probability: 0.9 },
      ...{ confidence: 0.9, label_mass: 1, p_none: null, abstained: false },
    };
    const written = { type: "text", probability: null, token_min: null, p_none: null } as const;
    const example = answerSchema.meta()?.["example"] as AnswerBody;
    const body = {
      ...{ ...example, id: `ans_${model}`, status: "partial" },
      fields: {
        damaged: closed,
        dented: { ...closed, value: null, abstained: true },
        ["__proto__"]: closed,
        kind: { ...closed, type: "choice", value: null },
        label: { ...written, value: null, truncated: true },
        note: { ...written, value: "a note", truncated: false },
        colors: { type: "list", value: [], items: [], counts: [1] },
        taken: { type: "date", value: null, unfinished: true },
      },
    } satisfies AnswerBody;
    const at = Date.now();
    const whose = { account: "acc_test", key: "key1", model, micros: 4, steps: 1, at };
    const listed = listedEnd(body);
    await deliver([{ ...whose, id: body.id, listed }]);
    await deliver([{ ...whose, id: body.id, listed }]);
    // Of one that was cancelled, the reading had no time to come out any way.
    const cancelled = listedEnd({ ...body, status: "cancelled" });
    await deliver([{ ...whose, id: `${body.id}2`, listed: cancelled }]);
    const { results } = await DB.prepare(
      "SELECT type, outcome, fields FROM field_totals WHERE model = ?",
    )
      .bind(model)
      .all();
    expect(results.map((row) => Object.values(row).join(" ")).sort()).toEqual([
      "boolean abstained 1",
      "boolean read 2",
      "choice none 1",
      "date unfinished 1",
      "list read 1",
      "text read 1",
      "text truncated 1",
    ]);
    expect((await read())("unmask_edge_fields_total", model, "boolean", "read")).toBe(2);
    expect(JSON.stringify(listed)).not.toMatch(/damaged|note/);
  });

  test("count a replay once, by how it came out", async () => {
    const earlier = await read();
    const replay = {
      kind: "replay",
      id: `ans_${crypto.randomUUID()}`,
      replay_of: "ans_1",
      account: "acc_test",
      model: "unmask-demo",
      outcome: "different",
      at: Date.now(),
    } satisfies MetricEvent;
    await deliver([replay, replay]);
    await deliver([replay]);
    const later = await read();
    const name = "unmask_edge_replays_total";
    expect(later(name, "different") - earlier(name, "different")).toBe(1);
    expect(later(name, "equal")).toBe(earlier(name, "equal"));
  });

  test("tell what webhooks have to do, and how old the oldest of it is", async () => {
    const earlier = await read();
    const account = `acc_${crypto.randomUUID()}`;
    const at = Date.now();
    const backlog = { kind: "backlog", id: "evt", account, waiting: 5, failed: 2, at } as const;
    await deliver([{ ...backlog, oldest_at: 1_000 }]);
    const during = await read(61_000);
    expect(during("unmask_edge_webhooks_waiting") - earlier("unmask_edge_webhooks_waiting")).toBe(
      5,
    );
    expect(during("unmask_edge_webhooks_failed") - earlier("unmask_edge_webhooks_failed")).toBe(2);
    expect(during("unmask_edge_webhook_oldest_seconds")).toBe(60);
    await deliver([{ ...backlog, waiting: 0, failed: 0, oldest_at: null, at: at + 1 }]);
    const later = await read();
    expect(later("unmask_edge_webhooks_waiting")).toBe(earlier("unmask_edge_webhooks_waiting"));
  });
});

describe("what should never be", () => {
  test("a ledger whose books disagree is counted and named", async () => {
    const account = `acc_${crypto.randomUUID()}`;
    const earlier = await read();
    await deliver([standing(account, { off_by: 7 })]);
    const later = await read();
    const name = "unmask_edge_ledgers_unbalanced";
    expect(later(name) - earlier(name)).toBe(1);
    expect(later("unmask_edge_ledger_off_by_micros", account)).toBe(7);
    await deliver([standing(account, { at: Date.now() + 1 })]);
    expect((await read())(name)).toBe(earlier(name));
  });

  test("a hold counts as overdue once nobody has renewed it or given it back for five minutes more", async () => {
    const account = `acc_${crypto.randomUUID()}`;
    const hold = { open_holds: 1, oldest_hold_at: 500_000, hold_expires_at: 1_000_000 };
    await deliver([standing(account, hold)]);
    const late = 1_000_000 + HOLD_GRACE_MS;
    expect((await read(late))("unmask_edge_holds_overdue")).toBe(0);
    expect((await read(late + 1))("unmask_edge_holds_overdue")).toBe(1);
    expect((await read(800_000))("unmask_edge_hold_oldest_seconds")).toBe(300);
    await DB.prepare("DELETE FROM account_standings WHERE account_id = ?").bind(account).run();
  });

  test("what no delivery can copy is kept, counted once, and leaves its queue", async () => {
    const earlier = await read();
    vi.spyOn(console, "error").mockImplementation(() => {});
    const body = { id: crypto.randomUUID(), not: "usage" };
    const result = await deliver([body], "unmask-usage-dead");
    expect(result.ackAll).toBe(true);
    const later = await read();
    expect(later("unmask_edge_dead_messages") - earlier("unmask_edge_dead_messages")).toBe(1);
    const kept = DB.prepare("SELECT queue FROM dead_messages WHERE body = ?");
    const bound = kept.bind(JSON.stringify(body));
    expect(await bound.first()).toEqual({ queue: "unmask-usage-dead" });
  });
});

describe("credit that comes to its end", () => {
  test("is told at the rate of the last half day to a day, of accounts that have less than a day left", async () => {
    const account = `acc_${crypto.randomUUID()}`;
    const start = Date.UTC(2030, 0, 1);
    // 100 an hour for 20 hours: 500 are left, which last 5 hours more.
    for (let hour = 0; hour <= 20; hour += 1) {
      const revenue = 100 * hour;
      await deliver([
        standing(account, { available: 2_500 - revenue, revenue, at: start + hour * HOUR_MS }),
      ]);
    }
    const now = start + 20 * HOUR_MS;
    const seconds = (await read(now))("unmask_edge_account_zero_seconds", account);
    expect(Math.abs(seconds - 5 * 3_600)).toBeLessThan(60);
    expect((await read(now))("unmask_edge_accounts_near_zero")).toBe(1);
    // Of an hour more than a day ago nobody is told.
    expect((await read(start))("unmask_edge_accounts_near_zero")).toBe(0);
    await DB.prepare("DELETE FROM account_standings WHERE account_id = ?").bind(account).run();
  });

  test("is not told of an account that spends nothing, or was given back what it spent", async () => {
    const account = `acc_${crypto.randomUUID()}`;
    const start = Date.UTC(2031, 0, 1);
    await deliver([standing(account, { available: 10, revenue: 50, at: start })]);
    await deliver([standing(account, { available: 20, revenue: 40, at: start + HOUR_MS })]);
    expect((await read(start + HOUR_MS))("unmask_edge_accounts_near_zero")).toBe(0);
  });
});
