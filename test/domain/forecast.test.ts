import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { forecast, forecastFrom } from "#domain/forecast.ts";
import { micros, ZERO } from "#domain/micros.ts";

const noon = Date.UTC(2026, 10, 28, 12);
const longAgo = Date.UTC(2026, 0, 1);

describe("how long credit lasts", () => {
  test("goes by the mean of six whole days and today as far as it has come", () => {
    expect(forecastFrom(noon)).toBe(Date.UTC(2026, 10, 22));
    expect(forecast(micros(10_000_000), micros(6_500_000), longAgo, noon)).toEqual({
      daysObserved: 6.5,
      spendPerDay: 1_000_000n,
      daysLeft: 10,
    });
  });

  test("of a young account goes by the days since its opening", () => {
    const opened = Date.UTC(2026, 10, 26, 12);
    expect(forecast(micros(30), micros(20), opened, noon)).toMatchObject({
      daysObserved: 2,
      spendPerDay: 10n,
      daysLeft: 3,
    });
  });

  test("takes no hour for a day's rate", () => {
    expect(forecast(micros(100), micros(50), noon - 3_600_000, noon)).toMatchObject({
      daysObserved: 1,
      daysLeft: 2,
    });
  });

  test("is nobody's to say where nothing is spent, or more was given back than spent", () => {
    for (const spent of [0, -5])
      expect(forecast(micros(9), micros(spent), longAgo, noon)).toMatchObject({
        spendPerDay: ZERO,
        daysLeft: null,
      });
  });

  test("is none where nothing is left", () => {
    expect(forecast(ZERO, micros(70), longAgo, noon).daysLeft).toBe(0);
  });

  test("never grows with what is spent, nor falls with what is left, and is never longer than the credit", () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 12n });
    const age = fc.integer({ min: -3_600_000, max: 30 * 24 * 3_600_000 });
    fc.assert(
      fc.property(amount, amount, amount, age, (available, spent, more, ageMs) => {
        const days = (left: bigint, paid: bigint): number =>
          forecast(micros(left), micros(paid), noon - ageMs, noon).daysLeft ?? Infinity;
        expect(days(available, spent + more)).toBeLessThanOrEqual(days(available, spent));
        expect(days(available + more, spent)).toBeGreaterThanOrEqual(days(available, spent));
        const { spendPerDay, daysLeft } = forecast(
          micros(available),
          micros(spent),
          noon - ageMs,
          noon,
        );
        expect(Number(spendPerDay) * (daysLeft ?? 0)).toBeLessThanOrEqual(
          Number(available) * (1 + 1e-9),
        );
      }),
      { seed: 14, numRuns: 200 },
    );
  });
});
