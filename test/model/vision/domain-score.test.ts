import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import type { DomainScore, Statistic } from "#domain/trust.ts";
import { domainScore, numbersOf } from "#model/vision/domain-score.ts";

// Four positions of three channels.
const features = tensor(
  [4, 3],
  Float32Array.of(...[1, 10, -1], ...[2, 0, -2], ...[3, 20, -3], ...[6, 2, 0]),
);

function numbers(statistic: Statistic): number[] {
  return numbersOf(statistic, features);
}

describe("statistics of a picture's features", () => {
  test("reduce an axis, and leave a number for each of the other", () => {
    const over = "positions";
    expect(numbers({ reduce: [{ over, by: "mean" }] })).toEqual([3, 8, -1.5]);
    expect(numbers({ reduce: [{ over, by: "best", count: 2 }] })).toEqual([4.5, 15, -0.5]);
    expect(numbers({ reduce: [{ over, by: "rank", rank: 2 }] })).toEqual([3, 10, -1]);
    expect(numbers({ reduce: [{ over, by: "below", bound: 2 }] })).toEqual([0.25, 0.25, 1]);
    expect(numbers({ reduce: [{ over, by: "deviation" }] })[0]).toBeCloseTo(Math.sqrt(3.5), 12);
    expect(numbers({ reduce: [{ over: "channels", by: "mean" }] })).toHaveLength(4);
    expect(numbers({ reduce: [] })).toEqual([...features.data]);
  });

  test("reduce both axes in the order in which they say so: the order matters", () => {
    const best = { over: "positions", by: "best", count: 2 } as const;
    const largest = { over: "channels", by: "rank", rank: 1 } as const;
    // The two best places of the best channel; the two best places whatever their channel.
    expect(numbers({ channels: [0, 2], reduce: [best, largest] })).toEqual([15]);
    expect(numbers({ channels: [0, 2], reduce: [largest, best] })).toEqual([15]);
    expect(numbers({ positions: [1, 4], channels: [0, 2], reduce: [best, largest] })).toEqual([11]);
    expect(numbers({ positions: [1, 4], channels: [0, 2], reduce: [largest, best] })).toEqual([13]);
  });

  test("may be told as logarithms", () => {
    const reduce = [{ over: "positions", by: "mean" }] as const;
    expect(numbers({ channels: [0, 1], reduce, log: 0.5 })).toEqual([Math.log(3.5)]);
  });

  test("refuse features that they do not fit", () => {
    const reduce = [{ over: "positions", by: "mean" }] as const;
    expect(() => numbers({ channels: [2, 4], reduce })).toThrow(RangeError);
    expect(() => numbers({ positions: [0, 5], reduce })).toThrow(RangeError);
  });
});

describe("the score of a picture", () => {
  const score: DomainScore = {
    statistics: [{ reduce: [{ over: "positions", by: "mean" }] }],
    ...{ mean: [1, 8, 0], deviation: [2, 1, 0.1], weight: [3, 5, -2] },
    ...{ limit: 4, bias: 0.5, threshold: 2 },
  };

  test("is the weighted sum of its standardised numbers, none of which counts beyond the limit, less the threshold", () => {
    // 0.5 + 3 · 1 + 5 · 0 + (−2) · max(−4, −15) − 2
    expect(domainScore(score, features)).toBeCloseTo(0.5 + 3 + 8 - 2, 12);
  });

  test("is refused of a tower with other channels than it was fitted on", () => {
    const narrow = tensor([2, 2], new Float32Array(4));
    expect(() => domainScore(score, narrow)).toThrow("give 2 numbers");
  });

  test("does not depend on the order of the positions where no statistic does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: -9, max: 9 }))), {
          minLength: 2,
          maxLength: 6,
        }),
        (rows) => {
          const of = (order: readonly (readonly number[])[]): number =>
            domainScore(score, tensor([order.length, 3], Float32Array.from(order.flat())));
          expect(of(rows.toReversed())).toBeCloseTo(of(rows), 9);
        },
      ),
      { seed: 4, numRuns: 100 },
    );
  });
});
