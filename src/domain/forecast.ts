import { type Micros, micros, ZERO } from "./micros.ts";

/** What an account spends, and how long its credit lasts at that rate. */
export interface Forecast {
  /** Days (not whole) that the rate was taken over. */
  readonly daysObserved: number;
  readonly spendPerDay: Micros;
  /** Until nothing is left, to a tenth and never more than there is; null where nothing is spent. */
  readonly daysLeft: number | null;
}

/** A week has each weekday once: a shop's Sunday is not its Monday. */
export const FORECAST_DAYS = 7;

const DAY_MS = 24 * 3_600_000;

/** When the first day (UTC) began whose spending a forecast at `now` looks at, in milliseconds since 1970. */
export function forecastFrom(now: number): number {
  return (Math.floor(now / DAY_MS) - (FORECAST_DAYS - 1)) * DAY_MS;
}

/**
 * Divides what is available by the mean spending of the last seven days (UTC), today as far as it has come; of an account that
 * is younger since its opening, of which a day is the least: an hour's tries are no day's rate. `spent` is what was charged
 * since `forecastFrom(now)`, less what was given back. Times are milliseconds since 1970.
 */
export function forecast(
  available: Micros,
  spent: Micros,
  openedAt: number,
  now: number,
): Forecast {
  const begin = Math.max(forecastFrom(now), openedAt);
  const daysObserved = Math.min(FORECAST_DAYS, Math.max(1, (now - begin) / DAY_MS));
  const spendPerDay = spent > 0n ? micros(Math.round(Number(spent) / daysObserved)) : ZERO;
  const daysLeft =
    spendPerDay === ZERO ? null : Math.floor((Number(available) / Number(spendPerDay)) * 10) / 10;
  return { daysObserved, spendPerDay, daysLeft };
}
