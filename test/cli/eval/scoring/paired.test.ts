import { describe, expect, test } from "vitest";
import { comparePairs, type ScoredPair } from "#cli/eval/scoring/paired.ts";
import { mulberry32 } from "#model/decode/noise.ts";

function uniform(): () => number {
  const stream = mulberry32(3);
  return () => stream.next();
}

/** So many questions that were right before alone, after alone, and both times. */
function pairsOf(lost: number, won: number, kept: number): ScoredPair[] {
  const some = (count: number, before: number, after: number): ScoredPair[] =>
    Array.from({ length: count }, () => ({ before, after }));
  return [...some(lost, 1, 0), ...some(won, 0, 1), ...some(kept, 1, 1)];
}

describe("a comparison question by question", () => {
  // By hand: P(X ≥ lost) of lost + won throws of a fair coin.
  test.each([
    [10, 2, (66 + 12 + 1) / 4096],
    [5, 0, 1 / 32],
    [4, 0, 1 / 16],
    [3, 3, (20 + 15 + 6 + 1) / 64],
    [0, 8, 1],
    [0, 0, 1],
  ])("that lost %d and won %d is as unlikely as McNemar's exact test says", (lost, won, chance) => {
    const compared = comparePairs(pairsOf(lost, won, 30), uniform());
    expect(compared).toMatchObject({ lost, won, pairs: lost + won + 30 });
    expect(compared.chance).toBeCloseTo(chance, 12);
    expect(compared.difference).toBeCloseTo((won - lost) / (lost + won + 30), 12);
  });

  test("does not depend on how many questions were equal both times", () => {
    const [few, many] = [10, 10_000].map((kept) => comparePairs(pairsOf(9, 1, kept), uniform()));
    expect(many!.chance).toBe(few!.chance);
  });

  test("of thousands of questions is a number", () => {
    expect(comparePairs(pairsOf(2000, 1900, 0), uniform()).chance).toBeCloseTo(0.0562, 2);
  });

  test("of other scores is judged by resampling, and its interval holds the difference", () => {
    const pairs = Array.from({ length: 60 }, (_, index) => ({
      before: (index % 10) / 10,
      after: Math.max(0, (index % 10) / 10 - 0.1),
    }));
    const compared = comparePairs(pairs, uniform());
    expect(compared.difference).toBeCloseTo(-0.09, 9);
    expect(compared.interval[0]).toBeLessThan(-0.09);
    expect(compared.interval[1]).toBeGreaterThan(-0.09);
    expect(compared.chance).toBeLessThan(0.01);
  });

  test("of no questions there is none", () => {
    expect(() => comparePairs([], uniform())).toThrow(RangeError);
  });
});
