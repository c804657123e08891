import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { type LedgerRepository, openLedgerRepository } from "#edge/ledger/ledger-repository.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";

/** A ledger with credit whose clock the test moves. */
function ledgerOf(): { repository: LedgerRepository; clock: { now: number } } {
  const clock = { now: 1_000 };
  const repository = openLedgerRepository(nodeStore(), () => clock.now);
  repository.grant({ grantId: "g", amount: micros(1_000_000), note: "" });
  return { repository, clock };
}

function held(repository: LedgerRepository, id: string, share: number, isShared = false): boolean {
  const reply = repository.hold(holdRequest(id, { share, isShared }));
  if (!reply.ok || reply.value.kind !== "held") throw new Error("it is not held");
  return reply.value.hasPlace;
}

function captured(repository: LedgerRepository, id: string): readonly string[] {
  return repository.capture({ holdId: id, charge: micros(1), steps: 1, reply: null }).called;
}

const ask = (id: string, share = 2) => ({ id, share, isWorking: false });

describe("places at the functions", () => {
  test("are so many to an account; who comes later waits, and is called in the order of coming", () => {
    const { repository } = ledgerOf();
    expect(["a", "b", "c", "d"].map((id) => held(repository, id, 2))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([repository.takePlace(ask("d")), repository.takePlace(ask("c"))]).toEqual([
      false,
      false,
    ]);
    expect(captured(repository, "b")).toEqual(["c"]);
    expect([repository.takePlace(ask("d")), repository.takePlace(ask("c"))]).toEqual([false, true]);
    expect(repository.release("a").called).toEqual(["d"]);
    expect(captured(repository, "c")).toEqual([]);
  });

  test("are not taken before their turn by who comes later", () => {
    const { repository } = ledgerOf();
    held(repository, "a", 1);
    held(repository, "b", 1);
    captured(repository, "a");
    expect([held(repository, "c", 1), repository.takePlace(ask("b", 1))]).toEqual([false, true]);
  });

  test("a hold that is asked for again has the place that it had", () => {
    const { repository } = ledgerOf();
    expect([held(repository, "a", 1), held(repository, "a", 1)]).toEqual([true, true]);
    expect([held(repository, "b", 1), held(repository, "b", 1)]).toEqual([false, false]);
  });

  test("answers of a batch stand in the same line, without a hold", () => {
    const { repository } = ledgerOf();
    expect(repository.takePlace(ask("item-1", 1))).toBe(true);
    expect(held(repository, "a", 1)).toBe(false);
    expect(repository.takePlace(ask("item-2", 1))).toBe(false);
    expect(repository.leavePlace("item-1").called).toEqual(["a"]);
    expect(captured(repository, "a")).toEqual(["item-2"]);
  });

  test("are left by who is not heard of any more", () => {
    const { repository, clock } = ledgerOf();
    expect(repository.takePlace(ask("item", 1))).toBe(true);
    expect(held(repository, "a", 1)).toBe(false);
    clock.now += 100_000;
    repository.renew("a");
    expect(repository.takePlace(ask("a", 1))).toBe(false);
    clock.now += 100_000;
    expect(repository.takePlace(ask("a", 1))).toBe(true);
  });

  test("are waited for as long as the hold is renewed, whether the answer asks or not", () => {
    const { repository, clock } = ledgerOf();
    held(repository, "a", 1);
    held(repository, "b", 1);
    for (const _ of [1, 2, 3, 4]) {
      clock.now += 100_000;
      for (const id of ["a", "b"]) repository.renew(id);
    }
    repository.sweep();
    expect(captured(repository, "a")).toEqual(["b"]);
  });

  test("are no matter of a batch, which is no answer: it neither has one nor stands in line", () => {
    const { repository } = ledgerOf();
    held(repository, "a", 1);
    const batch = repository.hold(holdRequest("batch", { share: null }));
    expect(batch).toMatchObject({ value: { kind: "held", hasPlace: false } });
    expect(captured(repository, "a")).toEqual([]);
    expect(held(repository, "b", 1)).toBe(true);
  });

  test("of expired holds are given to who waits", () => {
    const { repository, clock } = ledgerOf();
    held(repository, "a", 1);
    clock.now += 100_000;
    held(repository, "b", 1);
    clock.now += 100_000;
    repository.sweep();
    expect(repository.takePlace(ask("b", 1))).toBe(true);
  });

  test("are not needed by who takes part in the work of another, until the work is theirs", () => {
    const { repository } = ledgerOf();
    expect([held(repository, "a", 1), held(repository, "b", 1, true)]).toEqual([true, false]);
    expect(held(repository, "c", 1)).toBe(false);
    expect(repository.takePlace({ id: "b", share: 1, isWorking: true })).toBe(true);
    expect(captured(repository, "a")).toEqual([]);
    expect(captured(repository, "b")).toEqual(["c"]);
  });

  test("who comes to work by itself counts among the concurrent, whatever work it took part in before", () => {
    const { repository } = ledgerOf();
    const keyLimits = { ...holdRequest("a").keyLimits, concurrent: 2 };
    for (const id of ["a", "b"]) {
      held(repository, id, 1, true);
      repository.takePlace(ask(id, 1));
    }
    expect(repository.hold(holdRequest("too many", { keyLimits }))).toMatchObject({
      refusal: { failure: { kind: "too_many_concurrent", limit: 2 } },
    });
  });

  test("are never more than the share, and nobody waits while one is free", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.constantFrom("hold", "ask", "end"), fc.nat(9)), { maxLength: 60 }),
        (share, happenings) => {
          const { repository } = ledgerOf();
          const [placed, waiting] = [new Set<string>(), new Set<string>()];
          const put = (id: string, hasPlace: boolean): void => {
            (hasPlace ? placed : waiting).add(id);
            if (hasPlace) waiting.delete(id);
          };
          for (const [turn, [what, index]] of happenings.entries()) {
            const known = [...placed, ...waiting];
            const id = known[index % Math.max(1, known.length)];
            if (what === "hold") put(`h${turn}`, held(repository, `h${turn}`, share));
            else if (id === undefined) continue;
            else if (what === "ask") put(id, repository.takePlace(ask(id, share)));
            else {
              for (const set of [placed, waiting]) set.delete(id);
              for (const next of captured(repository, id)) put(next, true);
            }
            expect(placed.size).toBeLessThanOrEqual(share);
            expect(waiting.size === 0 || placed.size === share).toBe(true);
          }
        },
      ),
      { numRuns: 200, seed: 9 },
    );
  });
});
