import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { type LedgerRepository, openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";

const start = 1_790_000_000_000;

/** An account with 100 micro-dollars and the threshold at 80. */
function watched(): { repository: LedgerRepository; clock: { now: number } } {
  const clock = { now: start };
  const repository = openLedgerRepository(nodeStore(), () => clock.now);
  repository.grant({ grantId: "g", amount: micros(100), note: "" });
  repository.setLowCreditAlert({ accountId: "acc_1", threshold: micros(80) });
  return { repository, clock };
}

function take(repository: LedgerRepository, holdId: string, charge = 10): void {
  repository.hold(holdRequest(holdId));
  repository.capture({ holdId, charge: micros(charge), steps: 4, reply: null });
}

describe("the low-credit alert", () => {
  test("tells once that it went below the threshold, not that it stands on it", () => {
    const { repository } = watched();
    for (const id of ["a", "b"]) take(repository, id);
    expect([repository.balance().available, repository.dueAlerts()]).toEqual([80n, []]);
    for (const id of ["c", "d"]) take(repository, id);
    expect(repository.dueAlerts()).toMatchObject([
      {
        ...{ type: "credit.low", accountId: "acc_1", at: start },
        data: { available_micros: 70, threshold_micros: 80 },
      },
    ]);
  });

  test("sees what is only held, and is not told again when that is given back and taken anew", () => {
    const { repository } = watched();
    for (const id of ["a", "b", "c"]) repository.hold(holdRequest(id));
    expect(repository.dueAlerts()).toHaveLength(1);
    for (const id of ["a", "b", "c"]) repository.release(id);
    for (const id of ["d", "e", "f"]) repository.hold(holdRequest(id));
    expect(repository.dueAlerts()).toHaveLength(1);
  });

  test("begins anew with a grant that lifts the credit to the threshold, and not with a smaller one", () => {
    const { repository } = watched();
    for (const id of ["a", "b", "c", "d"]) take(repository, id);
    repository.grant({ grantId: "small", amount: micros(10), note: "" });
    take(repository, "e");
    expect(repository.dueAlerts()).toHaveLength(1);
    repository.grant({ grantId: "large", amount: micros(25), note: "" });
    take(repository, "f");
    const ids = repository.dueAlerts().map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
  });

  test("begins anew with a refund that lifts the credit to the threshold", () => {
    const { repository } = watched();
    for (const id of ["a", "b", "c"]) take(repository, id);
    const refund = { refundId: "r", accountId: "acc_1", holdId: "a", amount: micros(10), note: "" };
    repository.refund(refund);
    take(repository, "d");
    expect(repository.dueAlerts()).toHaveLength(2);
  });

  test("tells under the same id until somebody took it, later each time", () => {
    const { repository, clock } = watched();
    for (const id of ["a", "b", "c"]) take(repository, id);
    const [first] = repository.dueAlerts();
    const id = first?.id ?? "";
    const waits: number[] = [];
    for (let attempt = 0; attempt < 14; attempt += 1) {
      repository.alertUntold(id);
      let waited = 0;
      for (; repository.dueAlerts().length === 0; waited += 1000) clock.now += 1000;
      waits.push(waited / 1000);
    }
    expect(waits.slice(0, 4)).toEqual([2, 4, 8, 16]);
    expect(waits.at(-1)).toBe(3600);
    expect(repository.dueAlerts()).toEqual([first]);
    repository.alertTold(id);
    expect(repository.dueAlerts()).toEqual([]);
  });

  test("is off where no threshold is set, and when it is taken away", () => {
    const { repository } = watched();
    repository.setLowCreditAlert({ accountId: "acc_1", threshold: null });
    for (const id of ["a", "b", "c"]) take(repository, id);
    expect(repository.dueAlerts()).toEqual([]);
  });

  test("tells nothing of a hold that was refused", () => {
    const { repository } = watched();
    repository.setLowCreditAlert({ accountId: "acc_1", threshold: micros(101) });
    repository.hold(holdRequest("a", { amount: micros(1000) }));
    expect(repository.dueAlerts()).toEqual([]);
  });

  test("of a threshold that was set while an answer was being made is told when that answer is charged", () => {
    const { repository } = watched();
    repository.setLowCreditAlert({ accountId: "acc_1", threshold: null });
    repository.hold(holdRequest("a", { amount: micros(30) }));
    repository.setLowCreditAlert({ accountId: "acc_1", threshold: micros(80) });
    expect(repository.dueAlerts()).toEqual([]);
    repository.capture({ holdId: "a", charge: micros(25), steps: 4, reply: null });
    expect(repository.dueAlerts()).toMatchObject([
      { data: { available_micros: 75, threshold_micros: 80 } },
    ]);
  });

  test("is what the next alarm is for", () => {
    const { repository } = watched();
    for (const id of ["a", "b", "c"]) take(repository, id);
    repository.sent(repository.due(10).map(({ id }) => id));
    expect(repository.nextDueAt()).toBe(start);
  });
});
