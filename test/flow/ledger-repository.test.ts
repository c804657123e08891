import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import { REPLY_LIFETIME_MS } from "#edge/ledger/settlement.ts";
import { HOLD_LIFETIME_MS } from "#edge/ledger/storage/hold-rows.ts";
import { ledgerContract } from "../contract/ledger.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { ledgerTwin, nodeStore } from "../support/ledger-twin.ts";

ledgerContract("the ledger over Node's SQLite", () => {
  const clock = { now: 0 };
  const age = async (milliseconds: number) => {
    clock.now += milliseconds;
  };
  return { ledger: ledgerTwin(() => clock.now).ledger, age };
});

const DAY_MS = 24 * 3_600_000;

describe("the ledger's clock", () => {
  const idempotency = { scope: "k", fingerprint: "a" };

  function at(start: number) {
    const clock = { now: start };
    const { repository } = ledgerTwin(() => clock.now);
    repository.grant({ grantId: "g", amount: micros(10), note: "" });
    return { clock, repository };
  }

  test("an expired hold is given back, its late answer is not charged, and a retry runs anew", () => {
    const { clock, repository } = at(1000);
    repository.hold(holdRequest("a", { idempotency }));
    expect(repository.nextDueAt()).toBe(1000 + HOLD_LIFETIME_MS);
    clock.now += HOLD_LIFETIME_MS;
    expect(repository.hold(holdRequest("b", { idempotency }))).toMatchObject({ ok: true });
    expect(
      repository.capture({ holdId: "a", charge: micros(10), steps: 4, reply: "{}" }).charged,
    ).toBe(0n);
    expect(repository.balance()).toMatchObject({ held: 10n, revenue: 0n });
  });

  test.each([
    ["more than all that is held", 30],
    ["more than was set aside for it", 3],
  ])("a hold of %s waits for its books to be corrected, and holds up nothing else", (_, more) => {
    const clock = { now: 1000 };
    const database = new DatabaseSync(":memory:");
    const repository = openLedgerRepository(nodeStore(database), () => clock.now);
    repository.grant({ grantId: "g", amount: micros(30), note: "" });
    for (const id of ["a", "b"]) repository.hold(holdRequest(id));
    database.exec(`UPDATE holds SET amount = amount + ${more} WHERE id = 'a'`);
    clock.now += HOLD_LIFETIME_MS;
    repository.sweep();
    expect(repository.balance()).toMatchObject({ available: 20n, held: 10n });
    expect(repository.toldStanding()).toMatchObject({ off_by: more, open_holds: 1 });
    expect(repository.nextDueAt()).toBe(clock.now + HOLD_LIFETIME_MS);
    // It has no place, and is not counted among those in the making.
    const accountLimits = { ...holdRequest("").accountLimits, concurrent: 1 };
    expect(repository.hold(holdRequest("c", { accountLimits, share: 1 }))).toMatchObject({
      value: { hasPlace: true },
    });
    clock.now += HOLD_LIFETIME_MS - 1;
    repository.renew("c");
    clock.now += 1;
    repository.sweep();
    expect(
      repository.capture({ holdId: "c", charge: micros(4), steps: 4, reply: null }).charged,
    ).toBe(4n);
    database.exec(`UPDATE holds SET amount = amount - ${more} WHERE id = 'a'`);
    clock.now += HOLD_LIFETIME_MS;
    repository.sweep();
    expect(repository.balance()).toMatchObject({ available: 26n, held: 0n });
    expect(repository.toldStanding()).toMatchObject({ off_by: 0, open_holds: 0 });
  });

  test("a renewal by a clock that was set back shortens no hold", () => {
    const { clock, repository } = at(1e12);
    repository.hold(holdRequest("a"));
    const due = repository.nextDueAt();
    clock.now -= 3_600_000;
    repository.renew("a");
    expect(repository.nextDueAt()).toBe(due);
  });

  test("a reply is kept for a day", () => {
    const { clock, repository } = at(1000);
    repository.hold(holdRequest("a", { idempotency }));
    repository.capture({ holdId: "a", charge: micros(5), steps: 4, reply: "{}" });
    clock.now += REPLY_LIFETIME_MS - 1;
    repository.sweep();
    expect(repository.hold(holdRequest("b", { idempotency }))).toMatchObject({
      value: { kind: "replay" },
    });
    clock.now += 1;
    repository.sweep();
    expect(repository.hold(holdRequest("c", { idempotency, amount: micros(5) }))).toMatchObject({
      value: { kind: "held" },
    });
  });

  test("a charge is told again to a capture that is repeated within a week of its hold's end, and no later", () => {
    const { clock, repository } = at(1000);
    repository.hold(holdRequest("a"));
    const capture = () =>
      repository.capture({ holdId: "a", charge: micros(7), steps: 4, reply: null }).charged;
    expect(capture()).toBe(7n);
    clock.now += HOLD_LIFETIME_MS + 7 * DAY_MS - 1;
    repository.sweep();
    expect(capture()).toBe(7n);
    // Looked at once an hour.
    clock.now += 3_600_000;
    repository.sweep();
    expect(capture()).toBe(0n);
    expect(repository.balance()).toMatchObject({ available: 3n, revenue: 7n });
  });

  test("a minute later a rate is whole again, also when the clock was set back", () => {
    const { clock, repository } = at(1e12);
    const keyLimits = { ...holdRequest("").keyLimits, requestsPerMinute: 1 };
    const ask = (id: string) =>
      repository.hold(holdRequest(id, { keyLimits, amount: micros(1) })).ok;
    expect([ask("a"), ask("b")]).toEqual([true, false]);
    clock.now += 60_000;
    expect(ask("c")).toBe(true);
    clock.now -= 3_600_000;
    expect(ask("d")).toBe(true);
  });

  test("a refund is told to the usage, and lowers the month's spending also when its hold is long forgotten", () => {
    const { clock, repository } = at(Date.UTC(2026, 0, 1));
    const keyLimits = { ...holdRequest("").keyLimits, spendPerMonthMicros: micros(10) };
    repository.grant({ grantId: "more", amount: micros(90), note: "" });
    repository.hold(holdRequest("a", { keyLimits }));
    repository.capture({ holdId: "a", charge: micros(10), steps: 3, reply: null });
    repository.sent(["a"]);
    clock.now += 20 * 24 * 3_600_000;
    repository.sweep();
    const ask = (id: string) => repository.hold(holdRequest(id, { keyLimits })).ok;
    expect(ask("b")).toBe(false);
    const refund = { refundId: "sorry", accountId: "acc_1", holdId: "a", note: "" };
    for (const _ of [1, 2]) repository.refund({ ...refund, amount: micros(10) });
    expect(repository.due(10)).toEqual([
      { id: "acc_1 sorry", account: "acc_1", refund_of: "a", micros: 10, at: clock.now },
    ]);
    expect([ask("c"), ask("d")]).toEqual([true, false]);
  });

  test("a day's spend limit begins anew with the day, a month's with the month, in UTC", () => {
    const { clock, repository } = at(Date.UTC(2026, 0, 31, 23, 59));
    repository.grant({ grantId: "more", amount: micros(90), note: "" });
    const ask = (id: string, limits: { day?: number; month?: number }) => {
      const of = (amount: number | undefined) => (amount === undefined ? null : micros(amount));
      const keyLimits = {
        ...holdRequest("").keyLimits,
        ...{ spendPerDayMicros: of(limits.day), spendPerMonthMicros: of(limits.month) },
      };
      return repository.hold(holdRequest(id, { keyLimits })).ok;
    };
    expect([ask("a", { day: 10 }), ask("b", { day: 10 })]).toEqual([true, false]);
    clock.now += 60_000;
    expect([ask("c", { day: 10, month: 10 }), ask("d", { day: 10 })]).toEqual([true, false]);
    repository.capture({ holdId: "c", charge: micros(10), steps: 4, reply: null });
    clock.now += 20 * DAY_MS;
    repository.sweep();
    expect([ask("e", { month: 10 }), ask("f", { day: 10 })]).toEqual([false, true]);
  });

  test.each(["key", "subject"] as const)(
    "a day's spend limit of a %s counts from the first minute of the day to the last, whatever is swept meanwhile",
    (whose) => {
      const { clock, repository } = at(Date.UTC(2026, 0, 31));
      repository.grant({ grantId: "more", amount: micros(90), note: "" });
      const spendPerDayMicros = micros(10);
      const none = { requestsPerMinute: null, stepsPerMinute: null };
      const limits =
        whose === "key"
          ? { keyLimits: { ...holdRequest("").keyLimits, spendPerDayMicros } }
          : { subject: { ...none, owner: "ada", spendPerDayMicros } };
      const ask = (id: string) => repository.hold(holdRequest(id, limits)).ok;
      expect(ask("a")).toBe(true);
      repository.capture({ holdId: "a", charge: micros(10), steps: 4, reply: null });
      clock.now += DAY_MS - 1;
      repository.sweep();
      expect(ask("b")).toBe(false);
      clock.now += 1;
      expect(ask("c")).toBe(true);
    },
  );

  test("a fault of the store is thrown, and told as no refusal; nothing of the hold is kept", () => {
    const store = nodeStore();
    let isBroken = false;
    const repository = openLedgerRepository(
      {
        ...store,
        all: (query, bindings) => {
          if (isBroken && query.includes("INSERT INTO holds")) throw new Error("the disk is full");
          return store.all(query, bindings);
        },
      },
      () => 0,
    );
    repository.grant({ grantId: "g", amount: micros(10), note: "" });
    isBroken = true;
    expect(() => repository.hold(holdRequest("a"))).toThrow("the disk is full");
    isBroken = false;
    expect(repository.balance()).toMatchObject({ available: 10n, held: 0n });
    expect(repository.entries({ limit: 10 }).entries).toHaveLength(1);
  });

  test("a key's spending is no other key's", () => {
    const { repository } = at(0);
    repository.grant({ grantId: "more", amount: micros(90), note: "" });
    const keyLimits = {
      ...holdRequest("").keyLimits,
      ...{ spendPerDayMicros: micros(10), spendPerMonthMicros: micros(10) },
    };
    for (const keyId of ["key_1", "key_2"])
      expect(repository.hold(holdRequest(keyId, { keyId, keyLimits })).ok).toBe(true);
  });

  test("what a client token spent is known until a day after it has expired", () => {
    const { clock, repository } = at(0);
    repository.grant({ grantId: "more", amount: micros(90), note: "" });
    const spendCap = { tokenId: "t", amount: micros(10), expiresAt: 3 * DAY_MS };
    const ask = (id: string) => repository.hold(holdRequest(id, { spendCap })).ok;
    expect(ask("a")).toBe(true);
    repository.capture({ holdId: "a", charge: micros(10), steps: 4, reply: null });
    clock.now = 4 * DAY_MS - 1;
    repository.sweep();
    expect(ask("b")).toBe(false);
    clock.now += 1;
    repository.sweep();
    expect(ask("c")).toBe(true);
  });

  test("of an account that rests, entries and balances are kept and nothing else", () => {
    const database = new DatabaseSync(":memory:");
    const clock = { now: Date.UTC(2026, 0, 1) };
    const repository = openLedgerRepository(nodeStore(database), () => clock.now);
    repository.grant({ grantId: "g", amount: micros(100), note: "" });
    const subject = {
      ...{ owner: "ada", requestsPerMinute: 5, stepsPerMinute: 50 },
      spendPerDayMicros: micros(50),
    };
    const spendCap = { tokenId: "t", amount: micros(50), expiresAt: clock.now };
    for (const id of ["a", "b", "c"])
      repository.hold(
        holdRequest(id, {
          idempotency: { ...idempotency, scope: id },
          share: 1,
          subject,
          spendCap,
        }),
      );
    repository.capture({ holdId: "a", charge: micros(7), steps: 4, reply: "{}" });
    repository.release("b");
    repository.takePlace({ id: "item", share: 1, isWorking: false });
    repository.sent(repository.due(10).map(({ id }) => id));
    const filled = () =>
      ["holds", "places", "replies", "spending", "rates", "outbox", "alerts"].filter(
        (table) => database.prepare(`SELECT * FROM ${table}`).all().length > 0,
      );
    expect(filled()).toEqual(["holds", "places", "replies", "spending", "rates"]);
    clock.now += 60_000 - 1;
    repository.sweep();
    expect(filled()).toContain("rates");
    for (let day = 0; day < 40; day += 1) {
      clock.now += DAY_MS;
      repository.sweep();
    }
    expect(filled()).toEqual([]);
    expect(repository.nextDueAt()).toBeNull();
    expect(repository.balance()).toMatchObject({ available: 93n, revenue: 7n });
    expect(repository.entries({ limit: 100 }).entries).toHaveLength(8);
  });

  test("the usage of a charge names who asked within the account, and how many answers it pays for", () => {
    const { repository } = at(0);
    const subject = {
      ...{ owner: "ada", requestsPerMinute: null, stepsPerMinute: null },
      spendPerDayMicros: null,
    };
    repository.hold(holdRequest("a", { subject }));
    repository.capture({ holdId: "a", charge: micros(1), steps: 3, answers: 7, reply: null });
    expect(repository.due(10)).toMatchObject([{ id: "a", owner: "ada", answers: 7 }]);
  });

  test("an Idempotency-Key is recalled as a hold would be told: new, under way, answered, or of another body", () => {
    const { repository } = at(0);
    expect(repository.recall(idempotency)).toBeNull();
    repository.hold(holdRequest("a", { idempotency }));
    expect(repository.recall(idempotency)).toMatchObject({
      refusal: { failure: { kind: "idempotency_in_progress" } },
    });
    repository.capture({ holdId: "a", charge: micros(10), steps: 3, reply: "{}" });
    expect(repository.recall(idempotency)).toEqual({
      ok: true,
      value: { kind: "replay", reply: "{}" },
    });
    expect(repository.recall({ ...idempotency, fingerprint: "b" })).toMatchObject({
      refusal: { failure: { kind: "idempotency_mismatch" } },
    });
  });

  test("an Idempotency-Key whose hold has expired is recalled as a new one", () => {
    const { clock, repository } = at(0);
    repository.hold(holdRequest("a", { idempotency }));
    clock.now += HOLD_LIFETIME_MS;
    expect(repository.recall(idempotency)).toBeNull();
  });

  test("a refund of what was charged long ago lowers nothing of what is spent today", () => {
    const { clock, repository } = at(Date.UTC(2026, 0, 1));
    repository.hold(holdRequest("a", { amount: micros(10) }));
    repository.capture({ holdId: "a", charge: micros(10), steps: 3, reply: null });
    clock.now += 400 * DAY_MS;
    repository.sweep();
    repository.grant({ grantId: "more", amount: micros(10), note: "" });
    const keyLimits = { ...holdRequest("").keyLimits, spendPerDayMicros: micros(10) };
    const ask = (id: string) => repository.hold(holdRequest(id, { keyLimits })).ok;
    expect(ask("b")).toBe(true);
    const refund = { refundId: "late", accountId: "acc_1", holdId: "a", note: "" };
    expect(repository.refund({ ...refund, amount: micros(10) }).ok).toBe(true);
    expect(ask("c")).toBe(false);
  });

  test("a refund of a day that 0.1.0 forgot is taken off what its month had spent before the oldest day that is known", () => {
    const now = { at: Date.UTC(2026, 10, 3) };
    const store = nodeStore();
    const repository = openLedgerRepository(store, () => now.at);
    repository.grant({ grantId: "g", amount: micros(1_000), note: "" });
    repository.hold(holdRequest("a", { amount: micros(10) }));
    repository.capture({ holdId: "a", charge: micros(10), steps: 3, reply: null });
    // As the migration of its databases leaves it.
    store.all("UPDATE spending SET purse = 'key_1 2026-11-00' WHERE purse = 'key_1 2026-11-03'");
    now.at += 5 * DAY_MS;
    const keyLimits = { ...holdRequest("").keyLimits, spendPerMonthMicros: micros(12) };
    const ask = (id: string) =>
      repository.hold(holdRequest(id, { keyLimits, amount: micros(10) })).ok;
    expect(ask("b")).toBe(false);
    const refund = { refundId: "late", accountId: "acc_1", holdId: "a", note: "" };
    expect(repository.refund({ ...refund, amount: micros(10) }).ok).toBe(true);
    expect([ask("b"), ask("c")]).toEqual([true, false]);
  });

  test("usage that could not be sent comes due again, later each time, until it is sent", () => {
    const { clock, repository } = at(0);
    repository.hold(holdRequest("a"));
    repository.capture({ holdId: "a", charge: micros(10), steps: 3, reply: null });
    expect(repository.due(10)).toEqual([
      {
        ...{ id: "a", account: "acc_1", key: "key_1", model: "demo" },
        ...{ micros: 10, steps: 3, answers: 1, at: 0 },
      },
    ]);
    const waits = [1, 2, 3].map(() => {
      repository.unsent(["a"]);
      const wait = (repository.nextDueAt() ?? 0) - clock.now;
      expect(repository.due(10)).toEqual([]);
      clock.now += wait;
      return wait;
    });
    expect(waits).toEqual([2000, 4000, 8000]);
    repository.sent(["a"]);
    expect([repository.due(10), repository.nextDueAt()]).toEqual([[], null]);
  });
});
