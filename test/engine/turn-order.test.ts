import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_PASSED_OVER, TurnOrder, type Waiting } from "#engine/turn-order.ts";

interface Named extends Waiting {
  readonly name: string;
  waitedTurns: number;
}

function waiter(account: string, remaining: number, name = account): Named {
  return { name, claim: { account, remaining }, passedOver: 0, waitedTurns: 0 };
}

/** Gives turns until nobody waits; who is served does not come back. */
function serveAll(order: TurnOrder, waiting: Named[]): string[] {
  const served: string[] = [];
  for (let next = order.next(waiting); next !== undefined; next = order.next(waiting)) {
    order.serve(next, waiting);
    waiting.splice(waiting.indexOf(next), 1);
    served.push(next.name);
  }
  return served;
}

/** A few accounts with a few answers each, of so many steps, some of which come later. */
const scenes = fc.array(
  fc.record({
    account: fc.constantFrom("a", "b", "c"),
    steps: fc.integer({ min: 1, max: 30 }),
    comesAt: fc.integer({ min: 0, max: 60 }),
  }),
  { minLength: 1, maxLength: 10 },
);

/** Runs answers step by step: each waits again with one step less. Tells every turn with those who waited for it. */
function play(
  scene: readonly { account: string; steps: number; comesAt: number }[],
  onTurn: (served: Named, waiting: readonly Named[]) => void,
): void {
  const order = new TurnOrder();
  const coming = scene.map((answer, index) => ({ ...answer, name: String(index) }));
  const waiting: Named[] = [];
  for (let turn = 0; coming.length > 0 || waiting.length > 0; turn++) {
    for (const answer of coming.filter(({ comesAt }) => comesAt <= turn)) {
      coming.splice(coming.indexOf(answer), 1);
      waiting.push(waiter(answer.account, answer.steps, answer.name));
    }
    const served = order.next(waiting);
    if (served === undefined) continue;
    order.serve(served, waiting);
    onTurn(served, waiting);
    for (const other of waiting) other.waitedTurns += 1;
    const remaining = served.claim.remaining - 1;
    const again = waiter(served.claim.account, remaining, served.name);
    waiting.splice(waiting.indexOf(served), 1, ...(remaining > 0 ? [again] : []));
  }
}

describe("the order of turns", () => {
  test("accounts take turns, however much each of them has waiting", () => {
    const many = [1, 2, 3, 4].map((index) => waiter("many", 1, `many ${index}`));
    const served = serveAll(new TurnOrder(), [...many, waiter("few", 100), waiter("one", 1)]);
    expect(served).toEqual(["many 1", "few", "one", "many 2", "many 3", "many 4"]);
  });

  test("within an account the one with the least left is first, and of equals the one that came first", () => {
    const waiting = [waiter("a", 9, "long"), waiter("a", 2, "x"), waiter("a", 2, "y")];
    expect(serveAll(new TurnOrder(), waiting)).toEqual(["x", "y", "long"]);
  });

  test("over any stretch in which two accounts wait, their turns differ by one at most", () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const since = new Map<string, Map<string, number>>(); // turns of each since both began to wait
        play(scene, (served, waiting) => {
          const present = new Set(waiting.map(({ claim }) => claim.account));
          for (const one of ["a", "b", "c"]) {
            for (const other of ["a", "b", "c"].filter((name) => name > one)) {
              const pair = one + other;
              if (!present.has(one) || !present.has(other)) {
                since.delete(pair);
                continue;
              }
              const turns =
                since.get(pair) ??
                new Map([
                  [one, 0],
                  [other, 0],
                ]);
              since.set(pair, turns);
              const { account } = served.claim;
              if (turns.has(account)) turns.set(account, (turns.get(account) ?? 0) + 1);
              const [mine = 0, theirs = 0] = turns.values();
              expect(Math.abs(mine - theirs)).toBeLessThanOrEqual(1);
            }
          }
        });
      }),
      { seed: 8, numRuns: 300 },
    );
  });

  test("nobody waits longer than A × (8 + N) turns, with A accounts waiting and N answers of its own", () => {
    fc.assert(
      fc.property(scenes, (scene) => {
        const accounts = new Set(scene.map(({ account }) => account)).size;
        play(scene, (served) => {
          const own = scene.filter(({ account }) => account === served.claim.account).length;
          expect(served.waitedTurns).toBeLessThanOrEqual(accounts * (MAX_PASSED_OVER + own));
        });
      }),
      { seed: 9, numRuns: 300 },
    );
  });

  test("a long answer moves on while short ones of its account come without end", () => {
    const order = new TurnOrder();
    const waiting = [waiter("a", 1000, "long")];
    const served: string[] = [];
    for (let turn = 0; turn < 30; turn++) {
      waiting.push(waiter("a", 1, "short"));
      const next = order.next(waiting);
      if (next === undefined) throw new Error("somebody waits");
      order.serve(next, waiting);
      waiting.splice(waiting.indexOf(next), 1);
      served.push(next.name);
      if (next.name === "long") waiting.push(waiter("a", 999, "long"));
    }
    expect(served.indexOf("long")).toBe(MAX_PASSED_OVER);
    expect(served.filter((name) => name === "long").length).toBeGreaterThanOrEqual(3);
  });

  test("remembers a bounded number of accounts", () => {
    const order = new TurnOrder();
    for (let index = 0; index < 3000; index++) serveAll(order, [waiter(String(index), 1)]);
    // The last one has just had its turn; the first is as good as new.
    expect(serveAll(order, [waiter("2999", 1), waiter("0", 1)])).toEqual(["0", "2999"]);
  });
});
