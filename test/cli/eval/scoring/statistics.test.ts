import { describe, expect, test } from "vitest";
import { interval, quantile, riskCoverage, wilson } from "#cli/eval/scoring/statistics.ts";
import { mulberry32 } from "#model/decode/noise.ts";

const uniform = (): (() => number) => {
  const stream = mulberry32(7);
  return () => stream.next();
};

describe("the interval of a share", () => {
  // Source: Newcombe 1998, Statistics in Medicine 17, 857–872, table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])("of %d in %d is Newcombe's", (successes, count, low, high) => {
    const [from, to] = wilson(successes, count);
    expect(from).toBeCloseTo(low, 4);
    expect(to).toBeCloseTo(high, 4);
  });

  test("is Wilson's for scores of 0 and 1", () => {
    expect(interval([1, 0, 1, 1], uniform())).toEqual(wilson(3, 4));
  });

  test("is everything where there are no scores", () => {
    expect(interval([], uniform())).toEqual([0, 1]);
  });
});

describe("the interval of other scores", () => {
  const scores = Array.from({ length: 100 }, (_, index) => (index % 10) / 10);

  test("is near the normal one, and the same for the same seed", () => {
    const [low, high] = interval(scores, uniform());
    // Mean 0.45, standard deviation 0.2872: 0.45 ± 1.96 · 0.02872.
    expect(low).toBeCloseTo(0.3937, 1);
    expect(high).toBeCloseTo(0.5063, 1);
    expect(interval(scores, uniform())).toEqual([low, high]);
  });
});

describe("a quantile", () => {
  test.each([
    [[3, 1, 2], 0.5, 2],
    [[1, 2], 0.5, 1.5],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 0.9, 10],
    [[5], 0.9, 5],
    [[], 0.5, 0],
  ])("of %j at %d is %d", (values, share, expected) => {
    expect(quantile(values, share)).toBeCloseTo(expected, 12);
  });
});

describe("risk and coverage", () => {
  test("ranks by confidence: good confidence lets a half be all right", () => {
    const answers = [
      { confidence: 0.2, score: 0, abstained: true },
      { confidence: 0.9, score: 1, abstained: false },
      { confidence: 0.8, score: 1, abstained: false },
      { confidence: 0.4, score: 0, abstained: false },
    ];
    const { at, aurc, answered } = riskCoverage(answers);
    expect(answered).toEqual({ coverage: 0.75, score: 2 / 3 });
    expect(at.map(({ score }) => score)).toEqual([1, 2 / 3, 0.5, 0.5]);
    // Risks of the surest 1, 2, 3, 4: 0, 0, 1/3, 1/2.
    expect(aurc).toBeCloseTo((1 / 3 + 1 / 2) / 4, 12);
  });

  test("does not depend on the order of answers that are equally sure", () => {
    const tied = [1, 0, 0, 1].map((score) => ({ confidence: 0.5, score, abstained: false }));
    expect(riskCoverage(tied)).toEqual(riskCoverage(tied.toReversed()));
    expect(riskCoverage(tied).aurc).toBe(0.5);
  });
});
