import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { AnswerRepository } from "#edge/answers/storage/answer-repository.ts";
import { AnswerRows } from "#edge/answers/storage/answer-rows.ts";
import { storedAnswer } from "#edge/answers/storage/stored-answers.ts";
import { openBatchOrders } from "#edge/batches/storage/batch-orders.ts";
import { openBatchRepository } from "#edge/batches/storage/batch-repository.ts";
import { openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import type { SqlStore } from "#edge/storage/sql-store.ts";
import { openWebhookRepository } from "#edge/webhooks/storage/webhook-repository.ts";
import { endedAnswer } from "../support/batches.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const FIXTURES = "test/fixtures/databases";

/** When everything in the fixtures happened. */
const AT = Date.UTC(2026, 10, 27);

/** What releases wrote otherwise than those before. */
const RELEASES: Readonly<Record<string, Expected>> = {
  // It kept no decoder, took no refund off what a key had spent, and reported none as usage.
  "0.1.0": { decoder: "1", spent: 17, due: [["ans_charged", 7]] },
  "0.2.0-dev.1": {
    decoder: "2",
    spent: 15,
    due: [
      ["acc_1 sorry", 2],
      ["ans_charged", 7],
    ],
  },
  // Answers share tables; it is not released yet.
  "0.2.0-dev.2": {
    decoder: "2",
    spent: 15,
    due: [
      ["acc_1 sorry", 2],
      ["ans_charged", 7],
    ],
  },
};

interface Expected {
  readonly decoder: string;
  /** Micro-dollars of the key's day and month: charged less refunded, and held. */
  readonly spent: number;
  readonly due: readonly (readonly [id: string, micros: number])[];
}

test("every folder of databases is opened", () => {
  expect(readdirSync(FIXTURES).sort()).toEqual(Object.keys(RELEASES));
});

describe.each(Object.entries(RELEASES))("databases that release %s wrote", (release, expected) => {
  function stored(name: string): SqlStore {
    const database = new DatabaseSync(":memory:");
    database.exec(readFileSync(`${FIXTURES}/${release}/${name}.sql`, "utf8"));
    return nodeStore(database);
  }

  function answerIn(store: SqlStore, id: string): AnswerRepository {
    return new AnswerRepository(new AnswerRows(store), id, () => "evt_new");
  }

  test("a ledger keeps its balances, its open hold, the reply of an Idempotency-Key and what it has to send", () => {
    const repository = openLedgerRepository(stored("ledger"), () => AT);
    expect(repository.balance()).toEqual({
      ...{ issuer: -1_000_000n, available: 999_985n, held: 10n, revenue: 5n },
    });
    expect(repository.entries({ limit: 100 }).entries).toHaveLength(8);
    const idempotency = { scope: "key_1 /v1/answers order-1", fingerprint: "ab".repeat(32) };
    const again = repository.hold(holdRequest("ans_again", { idempotency }));
    if (!again.ok || again.value.kind !== "replay") throw new Error("it was answered before");
    expect(storedAnswer.read(again.value.reply)).toEqual(endedAnswer("ans_charged"));
    expect(repository.due(10).map((event) => [event.id, event.micros])).toEqual(expected.due);
    expect(repository.dueAlerts().map(({ type }) => type)).toContain("credit.low");
    const { charged } = repository.capture({
      ...{ holdId: "ans_open", charge: micros(10), steps: 4, reply: null },
    });
    expect([charged, repository.balance().held]).toEqual([10n, 0n]);
  });

  test("a ledger still knows what its key has spent of its day and month, and what of a charge was given back", () => {
    const repository = openLedgerRepository(stored("ledger"), () => AT);
    const keyLimits = {
      ...{ requestsPerMinute: 100, stepsPerMinute: 1000, concurrent: 10 },
      ...{ spendPerDayMicros: null, spendPerMonthMicros: micros(expected.spent + 7) },
    };
    // 7 were charged, of which 2 were given back, and 10 are held.
    const refused = repository.hold(holdRequest("ans_more", { keyLimits }));
    expect(refused).toMatchObject({
      refusal: {
        failure: { kind: "spend_limit_reached", period: "month", spentMicros: expected.spent },
      },
    });
    const ofTheDay = {
      ...keyLimits,
      spendPerDayMicros: micros(expected.spent + 7),
      spendPerMonthMicros: null,
    };
    expect(repository.hold(holdRequest("ans_more", { keyLimits: ofTheDay }))).toMatchObject({
      refusal: {
        failure: { kind: "spend_limit_reached", period: "day", spentMicros: expected.spent },
      },
    });
    repository.release("ans_open");
    expect(repository.hold(holdRequest("ans_more", { keyLimits }))).toMatchObject({ ok: true });
    const more = { accountId: "acc_1", holdId: "ans_charged", note: "" };
    const refund = (refundId: string, amount: number) =>
      repository.refund({ ...more, refundId, amount: micros(amount) }).ok;
    expect([refund("too much", 6), refund("all", 5)]).toEqual([false, true]);
  });

  test("an answer under way goes on from its frames", () => {
    const repository = answerIn(stored("answer-running"), "ans_running");
    expect(repository.order()).toMatchObject({
      job: { id: "ans_running", card: { prices: { linear: 1_000_000n } }, question: {} },
      webhook: { url: "https://named.test/" },
    });
    expect(repository.terms()?.noticeId).toBe("evt_running");
    expect(repository.progress()).toMatchObject({
      started: { canvas: 4 },
      frames: [{ step: 1, revealed: [{ text: "A" }] }],
    });
    expect(repository.attempt()).toBe(2);
  });

  test("an ended answer still has its tasks", () => {
    const repository = answerIn(stored("answer-ended"), "ans_ended");
    expect(repository.ended()).toEqual({
      ...{
        body: endedAnswer("ans_ended"),
        tasks: ["settle", "tell"],
        at: AT,
        decoder: expected.decoder,
      },
    });
    repository.settled(micros(3));
    expect(repository.ended()).toMatchObject({ body: { charged_micros: 3 }, tasks: ["tell"] });
  });

  test("a batch goes on with its items", () => {
    const store = stored("batch");
    const [repository, orders] = [openBatchRepository(store, () => AT), openBatchOrders(store)];
    expect(repository.body()).toMatchObject({
      status: "running",
      counts: { total: 3, completed: 1 },
    });
    expect(repository.results(0, 3)).toMatchObject([
      { custom_id: "item-0", answer: { answer: "A dog." }, error: null },
      { custom_id: "item-1", answer: null },
      { answer: null, error: { code: "image_truncated" } },
    ]);
    expect(repository.running()).toEqual([{ index: 1, answerId: "ans_item_1" }]);
    expect(orders.read(1)).toMatchObject({ deadlineMs: 1000, job: { quote: {} } });
    expect(repository.end(1, endedAnswer("ans_item_1"))).toBe("ended");
    expect(repository.charge()).toEqual({ charge: 20n, steps: 8, answers: 2 });
  });

  test("webhooks keep their endpoints, what is on its way and how it went", () => {
    const tools = { now: () => AT + 1_000_000, random: () => 0.5, newId: () => "whd_new" };
    const repository = openWebhookRepository(stored("webhooks"), tools);
    expect(repository.endpoints().map(({ id, isEnabled }) => [id, isEnabled])).toEqual([
      ["whe_off", false],
      ["whe_on", true],
    ]);
    expect(repository.accountSecrets()).toEqual({ secret: "whsec_account", previous: null });
    // What waited before there was a table of receivers is in it.
    expect(repository.nextDueAt()).toBe(AT);
    const states = repository.deliveries({}, 10).map(({ id, state }) => [id, state]);
    expect(states).toEqual([
      ["whd_1", "delivered"],
      ["whd_2", "waiting"],
      ["whd_3", "waiting"],
    ]);
    expect(repository.delivery("whd_3")?.attempts).toMatchObject([
      { reply: { status: 500 }, response: null },
    ]);
    expect(JSON.parse(repository.delivery("whd_3")?.body ?? "")).toMatchObject({
      data: { answer: "A dog." },
    });
    expect(repository.take(10).map(({ id }) => id)).toEqual(
      expect.arrayContaining(["whd_2", "whd_3"]),
    );
    const off = repository.endpoint("whe_off");
    if (off !== null) repository.putEndpoint({ ...off, isEnabled: true, disabledReason: null });
    expect(repository.redeliver("whd_1")).toBe(true);
  });
});
