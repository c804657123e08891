import { describe, expect, test } from "vitest";
import { commitsToRefresh, modeTerms, plannedRefreshes } from "#domain/modes.ts";

describe("the terms of a mode", () => {
  test("exact computes everything at every step, whatever refresh is named", () => {
    expect(modeTerms("exact", 7)).toEqual({
      ...{ mode: "exact", refresh: 1, commit: { rule: "schedule" } },
    });
  });

  test("cached is refreshed as it is told to be", () => {
    expect(modeTerms("cached", 7)).toMatchObject({ refresh: 7, commit: { rule: "schedule" } });
  });

  test("fast has terms of its own", () => {
    expect(modeTerms("fast", 7)).toEqual({
      ...{ mode: "fast", refresh: 8 },
      commit: { rule: "entropy", bound: 0.1, gaps: [7.5, 5, 2.5] },
    });
  });
});

describe("planned refreshes", () => {
  const steps = (mode: "exact" | "cached" | "fast", refresh: number, count: number) =>
    plannedRefreshes(modeTerms(mode, refresh), count).flatMap((isWhole, step) =>
      isWhole ? [step] : [],
    );

  test("are all steps of exact, and every fourth of cached", () => {
    expect(steps("exact", 4, 3)).toEqual([0, 1, 2]);
    expect(steps("cached", 4, 10)).toEqual([0, 4, 8]);
    expect(steps("cached", 1, 3)).toEqual([0, 1, 2]);
  });

  test("of fast are as early as they can come: half the canvas written at once, and then every eight steps", () => {
    expect(steps("fast", 4, 20)).toEqual([0, 1, 9, 17]);
    expect(steps("fast", 4, 1)).toEqual([0]);
  });

  test("half a canvas can be written before its end once only", () => {
    for (let canvas = 1; canvas < 100; canvas++)
      expect(2 * commitsToRefresh(canvas)).toBeGreaterThanOrEqual(canvas);
  });
});
