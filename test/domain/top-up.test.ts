import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { micros } from "#domain/micros.ts";
import { creditOf, heard, type PaymentWord, UNHEARD } from "#domain/top-up.ts";

function worth(...words: readonly PaymentWord[]): bigint {
  return creditOf(words.reduce(heard, UNHEARD));
}

const paid: PaymentWord = { kind: "paid", amount: micros(1000) };
const refund = (id: string, amount: number, isFailed = false): PaymentWord => ({
  ...{ kind: "refund", id, amount: micros(amount), isFailed },
});
const dispute = (outcome: "open" | "lost" | "won"): PaymentWord => ({
  ...{ kind: "dispute", id: "d", amount: micros(700), outcome },
});

describe("a payment is worth", () => {
  test.each<[string, readonly PaymentWord[], bigint]>([
    ["what was paid", [paid], 1000n],
    ["nothing before it was paid", [refund("r", 400)], 0n],
    ["what refunds leave of it", [paid, refund("r", 400), refund("s", 100)], 500n],
    [
      "what their sum leaves of it, told once more one by one",
      [paid, { kind: "refunded", total: micros(400) }, refund("r", 400)],
      600n,
    ],
    [
      "all of it where a refund came to nothing",
      [paid, refund("r", 400), refund("r", 400, true)],
      1000n,
    ],
    ["what is not disputed", [paid, dispute("open")], 300n],
    ["what a lost dispute leaves", [paid, dispute("open"), dispute("lost")], 300n],
    [
      "all of it once a dispute is won, even one that seemed lost",
      [paid, dispute("lost"), dispute("won")],
      1000n,
    ],
    [
      "nothing, and not less, where it is refunded and disputed",
      [paid, refund("r", 400), dispute("open")],
      0n,
    ],
  ])("%s", (_, words, expected) => {
    expect(worth(...words)).toBe(expected);
  });

  test("the same whatever came in which order and how often, and never more than was paid", () => {
    const amount = fc.bigInt({ min: 0n, max: 1000n }).map((value) => micros(value));
    const id = fc.constantFrom("a", "b", "c");
    const word: fc.Arbitrary<PaymentWord> = fc.oneof(
      fc.record({ kind: fc.constant("paid" as const), amount }),
      fc.record({ kind: fc.constant("refunded" as const), total: amount }),
      fc.record({ kind: fc.constant("refund" as const), id, amount, isFailed: fc.boolean() }),
      fc.record({
        ...{ kind: fc.constant("dispute" as const), id, amount },
        outcome: fc.constantFrom("open" as const, "lost" as const, "won" as const),
      }),
    );
    const two = fc
      .array(word, { maxLength: 8 })
      .chain((words) =>
        fc.tuple(
          fc.constant(words),
          fc.shuffledSubarray([...words, ...words, ...words], { minLength: words.length * 3 }),
        ),
      );
    fc.assert(
      fc.property(two, ([words, shuffled]) => {
        expect(worth(...shuffled)).toBe(worth(...words));
        const most = words.reduce(
          (sum, one) => (one.kind === "paid" && one.amount > sum ? one.amount : sum),
          0n,
        );
        expect(worth(...words) <= most).toBe(true);
      }),
      { seed: 14, numRuns: 300 },
    );
  });
});
