import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confidenceOf, LogitsError, mostConfident, othersOf } from "#model/decode/confidence.ts";

function head(chosen: number, max: number, tail: number) {
  return {
    tokens: Int32Array.of(7),
    chosenLogits: Float32Array.of(chosen),
    maxLogits: Float32Array.of(max),
    runnerUpLogits: Float32Array.of(max),
    tails: Float32Array.of(tail),
    slopes: Float32Array.of(0),
  };
}

describe("confidenceOf", () => {
  test("is the softmax of the chosen logit", () => {
    expect(confidenceOf(head(1, 3, 0.5), 0)).toBeCloseTo(Math.exp(-2) / 1.5, 15);
  });

  test("tells two tokens apart that are both within 1e-9 of certain", () => {
    expect(confidenceOf(head(9, 9, 1e-10), 0)).toBeGreaterThan(confidenceOf(head(9, 9, 3e-10), 0));
  });

  test("a backend that overflowed is a fault, not an unsure token: no number of the head may be infinite or none", () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (const numbers of [head(odd, 1, 0), head(1, odd, 0), head(1, 1, odd)])
        expect(() => confidenceOf(numbers, 0)).toThrow(LogitsError);
  });
});

describe("othersOf", () => {
  /** One row with the logits 3, 2, 1 and two columns that may not be chosen. */
  const ranked = (chosen: number) => ({
    ...head(3, 3, Math.exp(-1) + Math.exp(-2)),
    tokens: Int32Array.of(chosen),
    best: {
      count: 4,
      tokensRN: Int32Array.of(7, 9, 8, 0),
      logitsRN: Float32Array.of(3, 2, 1, Number.NEGATIVE_INFINITY),
    },
  });

  test("lists the likeliest beside the chosen token with their share of the same distribution", () => {
    const all = [0, 1, 2].map((rank) => Math.exp(-rank) / (1 + Math.exp(-1) + Math.exp(-2)));
    const others = othersOf(ranked(7), 0, 3);
    expect(others.map(({ token }) => token)).toEqual([9, 8]);
    for (const [rank, { confidence }] of others.entries())
      expect(confidence).toBeCloseTo(all[rank + 1] ?? 0, 7); // the tail is float32
    expect(others.reduce((sum, { confidence }) => sum + confidence, all[0] ?? 0)).toBeCloseTo(1);
  });

  test("where noise has chosen another, the likeliest of all is one of the others", () => {
    expect(othersOf(ranked(8), 0, 1).map(({ token }) => token)).toEqual([7]);
    expect(othersOf(ranked(80), 0, 2).map(({ token }) => token)).toEqual([7, 9]);
  });

  test("of a pass that asked for none there are none to list", () => {
    expect(() => othersOf(head(3, 3, 1), 0, 1)).toThrow(RangeError);
  });
});

describe("mostConfident", () => {
  const candidate = fc.record({
    position: fc.integer({ min: 0, max: 99 }),
    token: fc.constant(7),
    confidence: fc.constantFrom(0, 0.25, 0.5, 1),
    entropy: fc.constant(0),
    gap: fc.constant(0),
  });
  const candidates = fc.uniqueArray(candidate, { selector: ({ position }) => position });

  test("nothing left out is surer than anything taken, and among equals the lower position is taken", () => {
    fc.assert(
      fc.property(candidates, fc.nat(20), (all, count) => {
        const taken = mostConfident(all, count);
        expect(taken).toHaveLength(Math.min(count, all.length));
        const left = all.filter((each) => !taken.includes(each));
        for (const chosen of taken) {
          for (const other of left) {
            const isBehind =
              other.confidence < chosen.confidence ||
              (other.confidence === chosen.confidence && other.position > chosen.position);
            expect(isBehind).toBe(true);
          }
        }
      }),
    );
  });
});
