import { describe, expect, test } from "vitest";
import { isRefreshDue, type RefreshRule } from "#model/decode/refresh.ts";

/** The steps, from 0, before which the prefix is computed, where each step commits so many. */
function refreshes(rule: RefreshRule, commits: readonly number[]): number[] {
  let since: { steps: number; commits: number } | undefined;
  return commits.flatMap((count, step) => {
    const isDue = isRefreshDue(rule, since);
    since = isDue || since === undefined ? { steps: 0, commits: 0 } : since;
    since = { steps: since.steps + 1, commits: since.commits + count };
    return isDue ? [step] : [];
  });
}

describe("isRefreshDue", () => {
  const ones = Array<number>(20).fill(1);

  test("always is always", () => {
    expect(refreshes({ kind: "always" }, [1, 0, 5])).toEqual([0, 1, 2]);
  });

  test("every four steps is at 0, 4, 8 …, whatever was committed", () => {
    expect(refreshes({ kind: "every", steps: 4 }, ones)).toEqual([0, 4, 8, 12, 16]);
    expect(refreshes({ kind: "every", steps: 1 }, ones)).toHaveLength(20);
    expect(refreshes({ kind: "every", steps: Number.POSITIVE_INFINITY }, ones)).toEqual([0]);
  });

  test("by commits is once so many have come since the last time, and at the latest after so many steps", () => {
    const rule = { kind: "by_commits", commits: 16, steps: 8 } as const;
    expect(refreshes(rule, ones)).toEqual([0, 8, 16]);
    expect(refreshes(rule, [16, 1, 1, 14, 1])).toEqual([0, 1, 4]);
    expect(refreshes(rule, [15, ...ones])).toEqual([0, 2, 10, 18]);
  });
});
