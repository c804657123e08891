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
    clock.now += 1;
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
