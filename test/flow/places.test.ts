import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { type LedgerBook, openLedgerBook } from "#edge/ledger/ledger-repository.ts";
import { holdRequest } from "../support/ledger-builders.ts";
import { nodeStore } from "../support/ledger-twin.ts";

/** A ledger with credit whose clock the test moves. */
function ledgerOf(): { book: LedgerBook; clock: { now: number } } {
  const clock = { now: 1_000 };
  const book = openLedgerBook(nodeStore(), () => clock.now);
  book.grant({ grantId: "g", amount: micros(1_000_000), note: "" });
  return { book, clock };
}

function held(book: LedgerBook, id: string, share: number, isShared = false): boolean {
  const reply = book.hold(holdRequest(id, { share, isShared }));
  if (!reply.ok || reply.value.kind !== "held") throw new Error("it is not held");
  return reply.value.hasPlace;
}

function captured(book: LedgerBook, id: string): readonly string[] {
  return book.capture({ holdId: id, charge: micros(1), steps: 1, reply: null }).called;
}

const ask = (id: string, share = 2) => ({ id, share, isWorking: false });

describe("places at the functions", () => {
  test("are so many to an account; who comes later waits, and is called in the order of coming", () => {
    const { book } = ledgerOf();
    expect(["a", "b", "c", "d"].map((id) => held(book, id, 2))).toEqual([true, true, false, false]);
    expect([book.takePlace(ask("d")), book.takePlace(ask("c"))]).toEqual([false, false]);
    expect(captured(book, "b")).toEqual(["c"]);
    expect([book.takePlace(ask("d")), book.takePlace(ask("c"))]).toEqual([false, true]);
    expect(book.release("a").called).toEqual(["d"]);
    expect(captured(book, "c")).toEqual([]);
  });

  test("are not taken before their turn by who comes later", () => {
    const { book } = ledgerOf();
    held(book, "a", 1);
    held(book, "b", 1);
    captured(book, "a");
    expect([held(book, "c", 1), book.takePlace(ask("b", 1))]).toEqual([false, true]);
  });

  test("a hold that is asked for again has the place that it had", () => {
    const { book } = ledgerOf();
    expect([held(book, "a", 1), held(book, "a", 1)]).toEqual([true, true]);
    expect([held(book, "b", 1), held(book, "b", 1)]).toEqual([false, false]);
  });

  test("answers of a batch stand in the same line, without a hold", () => {
    const { book } = ledgerOf();
    expect(book.takePlace(ask("item-1", 1))).toBe(true);
    expect(held(book, "a", 1)).toBe(false);
    expect(book.takePlace(ask("item-2", 1))).toBe(false);
    expect(book.leavePlace("item-1").called).toEqual(["a"]);
    expect(captured(book, "a")).toEqual(["item-2"]);
  });

  test("are left by who is not heard of any more", () => {
    const { book, clock } = ledgerOf();
    expect(book.takePlace(ask("item", 1))).toBe(true);
    expect(held(book, "a", 1)).toBe(false);
    clock.now += 100_000;
    book.renew("a");
    expect(book.takePlace(ask("a", 1))).toBe(false);
    clock.now += 100_000;
    expect(book.takePlace(ask("a", 1))).toBe(true);
  });

  test("of expired holds are given to who waits", () => {
    const { book, clock } = ledgerOf();
    held(book, "a", 1);
    clock.now += 100_000;
    held(book, "b", 1);
    clock.now += 100_000;
    book.sweep();
    expect(book.takePlace(ask("b", 1))).toBe(true);
  });

  test("are not needed by who takes part in the work of another, until the work is theirs", () => {
    const { book } = ledgerOf();
    expect([held(book, "a", 1), held(book, "b", 1, true)]).toEqual([true, false]);
    expect(held(book, "c", 1)).toBe(false);
    expect(book.takePlace({ id: "b", share: 1, isWorking: true })).toBe(true);
    expect(captured(book, "a")).toEqual([]);
    expect(captured(book, "b")).toEqual(["c"]);
  });

  test("are never more than the share, and nobody waits while one is free", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.constantFrom("hold", "ask", "end"), fc.nat(9)), { maxLength: 60 }),
        (share, happenings) => {
          const { book } = ledgerOf();
          const [placed, waiting] = [new Set<string>(), new Set<string>()];
          const put = (id: string, hasPlace: boolean): void => {
            (hasPlace ? placed : waiting).add(id);
            if (hasPlace) waiting.delete(id);
          };
          for (const [turn, [what, index]] of happenings.entries()) {
            const known = [...placed, ...waiting];
            const id = known[index % Math.max(1, known.length)];
            if (what === "hold") put(`h${turn}`, held(book, `h${turn}`, share));
            else if (id === undefined) continue;
            else if (what === "ask") put(id, book.takePlace(ask(id, share)));
            else {
              for (const set of [placed, waiting]) set.delete(id);
              for (const next of captured(book, id)) put(next, true);
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
