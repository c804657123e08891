import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RATE_WINDOW_SECONDS, type RateWindow, spendRate } from "#domain/limits.ts";

describe("a rate", () => {
  test("lets at most its quota through in each window, whatever is asked when", () => {
    const demand = fc.record({
      amount: fc.integer({ min: 1, max: 40 }),
      afterMs: fc.integer({ min: 0, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(demand), fc.integer({ min: 1, max: 100 }), (demands, quota) => {
        let now = 0;
        let window: RateWindow | undefined;
        const usedByWindow = new Map<number, number>();
        for (const { amount, afterMs } of demands) {
          now += afterMs;
          const spent = spendRate(window, { name: "rpm", quota }, amount, now);
          if (!spent.ok) continue;
          window = spent.value.window;
          expect(now - window.startedAt).toBeLessThan(RATE_WINDOW_SECONDS * 1000);
          usedByWindow.set(window.startedAt, (usedByWindow.get(window.startedAt) ?? 0) + amount);
        }
        for (const used of usedByWindow.values()) expect(used).toBeLessThanOrEqual(quota);
      }),
    );
  });

  test("says how much is left and when it is whole again", () => {
    const window = { startedAt: 1000, used: 8 };
    expect(spendRate(window, { name: "rpm", quota: 10 }, 1, 20_500)).toMatchObject({
      value: { allowance: { remaining: 1, resetSeconds: 41 } },
    });
    expect(spendRate(window, { name: "rpm", quota: 10 }, 3, 60_999)).toMatchObject({
      refusal: { remaining: 2, resetSeconds: 1 },
    });
  });
});
