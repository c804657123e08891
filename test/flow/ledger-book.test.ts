import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { HOLD_LIFETIME_MS, REPLY_LIFETIME_MS } from "#edge/ledger/ledger-repository.ts";
import { ledgerContract } from "../contract/ledger.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { ledgerTwin } from "../support/ledger-twin.ts";

ledgerContract("the ledger over Node's SQLite", () => {
  const clock = { now: 0 };
  const age = async (milliseconds: number) => {
    clock.now += milliseconds;
  };
  return { ledger: ledgerTwin(() => clock.now).ledger, age };
});

describe("the ledger's clock", () => {
  const idempotency = { scope: "k", fingerprint: "a" };

  function at(start: number) {
    const clock = { now: start };
    const { book } = ledgerTwin(() => clock.now);
    book.grant({ grantId: "g", amount: micros(10), note: "" });
    return { clock, book };
  }

  test("an expired hold is given back, its late answer is not charged, and a retry runs anew", () => {
    const { clock, book } = at(1000);
    book.hold(holdRequest("a", { idempotency }));
    expect(book.nextDueAt()).toBe(1000 + HOLD_LIFETIME_MS);
    clock.now += HOLD_LIFETIME_MS;
    expect(book.hold(holdRequest("b", { idempotency }))).toMatchObject({ ok: true });
    expect(book.capture({ holdId: "a", charge: micros(10), steps: 4, reply: "{}" }).charged).toBe(
      0n,
    );
    expect(book.balance()).toMatchObject({ held: 10n, revenue: 0n });
  });

  test("a renewal by a clock that was set back shortens no hold", () => {
    const { clock, book } = at(1e12);
    book.hold(holdRequest("a"));
    const due = book.nextDueAt();
    clock.now -= 3_600_000;
    book.renew("a");
    expect(book.nextDueAt()).toBe(due);
  });

  test("a reply is kept for a day", () => {
    const { clock, book } = at(1000);
    book.hold(holdRequest("a", { idempotency }));
    book.capture({ holdId: "a", charge: micros(5), steps: 4, reply: "{}" });
    clock.now += REPLY_LIFETIME_MS - 1;
    book.sweep();
    expect(book.hold(holdRequest("b", { idempotency }))).toMatchObject({
      value: { kind: "replay" },
    });
    clock.now += 1;
    book.sweep();
    expect(book.hold(holdRequest("c", { idempotency, amount: micros(5) }))).toMatchObject({
      value: { kind: "held" },
    });
  });

  test("a minute later a rate is whole again, also when the clock was set back", () => {
    const { clock, book } = at(1e12);
    const keyLimits = { ...holdRequest("").keyLimits, requestsPerMinute: 1 };
    const ask = (id: string) => book.hold(holdRequest(id, { keyLimits, amount: micros(1) })).ok;
    expect([ask("a"), ask("b")]).toEqual([true, false]);
    clock.now += 60_000;
    expect(ask("c")).toBe(true);
    clock.now -= 3_600_000;
    expect(ask("d")).toBe(true);
  });

  test("a refund is told to the usage, and lowers the month's spending also when its hold is long forgotten", () => {
    const { clock, book } = at(Date.UTC(2026, 0, 1));
    const keyLimits = { ...holdRequest("").keyLimits, spendPerMonthMicros: micros(10) };
    book.grant({ grantId: "more", amount: micros(90), note: "" });
    book.hold(holdRequest("a", { keyLimits }));
    book.capture({ holdId: "a", charge: micros(10), steps: 3, reply: null });
    book.sent(["a"]);
    clock.now += 20 * 24 * 3_600_000;
    book.sweep();
    const ask = (id: string) => book.hold(holdRequest(id, { keyLimits })).ok;
    expect(ask("b")).toBe(false);
    const refund = { refundId: "sorry", accountId: "acc_1", holdId: "a", note: "" };
    for (const _ of [1, 2]) book.refund({ ...refund, amount: micros(10) });
    expect(book.due(10)).toEqual([
      { id: "acc_1 sorry", account: "acc_1", refund_of: "a", micros: 10, at: clock.now },
    ]);
    expect([ask("c"), ask("d")]).toEqual([true, false]);
  });

  test("an Idempotency-Key is recalled as a hold would be told: new, under way, answered, or of another body", () => {
    const { book } = at(0);
    expect(book.recall(idempotency)).toBeNull();
    book.hold(holdRequest("a", { idempotency }));
    expect(book.recall(idempotency)).toMatchObject({
      refusal: { failure: { kind: "idempotency_in_progress" } },
    });
    book.capture({ holdId: "a", charge: micros(10), steps: 3, reply: "{}" });
    expect(book.recall(idempotency)).toEqual({ ok: true, value: { kind: "replay", reply: "{}" } });
    expect(book.recall({ ...idempotency, fingerprint: "b" })).toMatchObject({
      refusal: { failure: { kind: "idempotency_mismatch" } },
    });
  });

  test("usage that could not be sent comes due again, later each time, until it is sent", () => {
    const { clock, book } = at(0);
    book.hold(holdRequest("a"));
    book.capture({ holdId: "a", charge: micros(10), steps: 3, reply: null });
    expect(book.due(10)).toEqual([
      {
        ...{ id: "a", account: "acc_1", key: "key_1", model: "demo" },
        ...{ micros: 10, steps: 3, answers: 1, at: 0 },
      },
    ]);
    const waits = [1, 2, 3].map(() => {
      book.unsent(["a"]);
      const wait = (book.nextDueAt() ?? 0) - clock.now;
      expect(book.due(10)).toEqual([]);
      clock.now += wait;
      return wait;
    });
    expect(waits).toEqual([2000, 4000, 8000]);
    book.sent(["a"]);
    expect([book.due(10), book.nextDueAt()]).toEqual([[], null]);
  });
});
