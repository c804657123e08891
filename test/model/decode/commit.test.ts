import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chooseCommit, type EntropyRule } from "#model/decode/commit.ts";
import type { Candidate } from "#model/decode/confidence.ts";

const END = 4;
const rule: EntropyRule = { kind: "entropy", bound: 0.1, gaps: [7.5, 5, 2.5], ends: [END] };

/** Candidates from the left, each with an entropy and a gap. */
function candidates(
  ...numbers: readonly (readonly [entropy: number, gap: number, token?: number])[]
) {
  return numbers.map(
    ([entropy, gap, token = 20], position): Candidate => ({
      position,
      token,
      confidence: Math.exp(-entropy),
      entropy,
      gap,
    }),
  );
}

function choose(found: readonly Candidate[], planned = 1, progress = 0, by = rule) {
  const choice = { candidates: found, planned, progress, maskedInWindow: found.length };
  const { chosen, reason } = chooseCommit(by, choice);
  return { positions: chosen.map(({ position }) => position), reason };
}

describe("committing by entropy", () => {
  test("takes the longest prefix of least entropy whose entropies but the largest sum to the bound", () => {
    const found = candidates([0.05, 1], [0.9, 1], [0.01, 1], [0.04, 1], [0.03, 1]);
    // 0.01 + 0.03 + 0.04 ≤ 0.1, so 0.05 still comes; with it the sum is 0.13.
    expect(choose(found)).toEqual({ positions: [2, 4, 3, 0], reason: "entropy" });
  });

  test("takes as many as the schedule has where the bound gives fewer, those of least entropy", () => {
    const found = candidates([2, 1], [0.5, 1], [1, 1]);
    expect(choose(found, 2)).toEqual({ positions: [1, 2], reason: "schedule" });
    expect(choose(found, 1)).toEqual({ positions: [1], reason: "schedule" });
  });

  test("equal entropies go to the left", () => {
    expect(choose(candidates([1, 1], [1, 1], [1, 1]), 2).positions).toEqual([0, 1]);
  });

  test("writes one at least, and never more than there are", () => {
    expect(choose(candidates([3, 1]), 0).positions).toEqual([0]);
    expect(choose(candidates([3, 1]), 5).positions).toEqual([0]);
    expect(choose([], 5)).toEqual({ positions: [], reason: "schedule" });
  });
});

describe("answering early", () => {
  const gaps = (...values: number[]) => candidates(...values.map((gap) => [1, gap] as const));

  test.each([
    { progress: 0, mean: 7.5, isEarly: true },
    { progress: 0, mean: 7.4, isEarly: false },
    { progress: 1 / 3, mean: 5, isEarly: true },
    { progress: 0.33, mean: 5, isEarly: false },
    { progress: 0.4, mean: 4.9, isEarly: false },
    { progress: 2 / 3, mean: 2.5, isEarly: true },
    { progress: 0.99, mean: 2.4, isEarly: false },
  ])("at $progress of the steps a mean gap of $mean is enough: $isEarly", (row) => {
    const found = gaps(row.mean - 1, row.mean, row.mean + 1);
    const { reason, positions } = choose(found, 1, row.progress);
    expect(reason).toBe(row.isEarly ? "early" : "schedule");
    expect(positions).toHaveLength(row.isEarly ? 3 : 1);
  });

  test("writes everything up to the first end, and asks only that to be clear", () => {
    const found = candidates([1, 9], [1, 9], [1, 9, END], [1, 0], [1, 0]);
    const { reason, positions } = choose(found);
    expect(reason).toBe("early");
    expect(positions.toSorted()).toEqual([0, 1, 2]);
    expect(choose(candidates([1, 9], [1, 9], [1, 9], [1, 0], [1, 0])).reason).toBe("schedule");
  });

  test("is never done without gaps: at a temperature the logits do not decide alone", () => {
    expect(choose(gaps(99, 99), 1, 0.9, { ...rule, gaps: [] }).reason).toBe("schedule");
  });
});

describe("every rule", () => {
  const numbers = fc.array(
    fc.tuple(
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 20, noNaN: true }),
    ),
    { minLength: 1, maxLength: 24 },
  );
  const rules = fc.constantFrom(
    rule,
    { kind: "schedule" } as const,
    { kind: "threshold", least: 0.7 } as const,
    { kind: "factor", factor: 1 } as const,
  );

  test("writes some of the candidates, each once, and never fewer than the schedule has", () => {
    fc.assert(
      fc.property(rules, numbers, fc.integer({ min: 1, max: 24 }), (by, values, planned) => {
        const found = candidates(...values);
        const choice = { candidates: found, planned, progress: 0.5, maskedInWindow: found.length };
        const { chosen } = chooseCommit(by, choice);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.every((candidate) => found.includes(candidate))).toBe(true);
        expect(chosen.length).toBeGreaterThanOrEqual(1);
        if (by.kind === "schedule" || by.kind === "entropy")
          expect(chosen.length).toBeGreaterThanOrEqual(Math.min(planned, found.length));
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
