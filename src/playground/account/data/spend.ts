import type { UsageRow } from "#wire/api/accounts/usage.ts";

/** What one key spent, day by day. */
export interface KeySpend {
  /** Id of the key; null for all that are not shown by themselves. */
  readonly key: string | null;
  /** Micro-dollars, as many as there are days. */
  readonly perDay: readonly number[];
  readonly total: number;
}

export interface Spend {
  /** `YYYY-MM-DD` (UTC), earliest first. */
  readonly days: readonly string[];
  /** Who spent most comes first; the rest together, last. */
  readonly keys: readonly KeySpend[];
  readonly perDay: readonly number[];
  readonly total: number;
}

/** Colours that are told apart at a glance; further keys share one. */
export const MOST_KEYS = 5;

const DAY_MS = 86_400_000;

/** So many days, the last of which is the one that `now` is in. */
export function daysUntil(now: number, count: number): readonly string[] {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  return Array.from({ length: count }, (_, index) =>
    new Date(today - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** Sums rows of usage by day and key. Days without a row have been free. */
export function spendOf(rows: readonly UsageRow[], days: readonly string[]): Spend {
  const place = new Map(days.map((day, index) => [day, index]));
  const byKey = new Map<string, number[]>();
  for (const { day, key, charged_micros } of rows) {
    const index = place.get(day);
    if (index === undefined || charged_micros === 0) continue;
    const perDay = byKey.get(key) ?? days.map(() => 0);
    perDay[index] = (perDay[index] ?? 0) + charged_micros;
    byKey.set(key, perDay);
  }
  const keys = [...byKey]
    .map(([key, perDay]): KeySpend => ({ key, perDay, total: sum(perDay) }))
    .sort((one, other) => other.total - one.total);
  const shown = keys.length <= MOST_KEYS ? keys : keys.slice(0, MOST_KEYS - 1);
  const rest = keys.slice(shown.length);
  const others: KeySpend = {
    key: null,
    perDay: days.map((_, index) => sum(rest.map(({ perDay }) => perDay[index] ?? 0))),
    total: sum(rest.map(({ total }) => total)),
  };
  const perDay = days.map((_, index) => sum(keys.map((spent) => spent.perDay[index] ?? 0)));
  return {
    days,
    keys: rest.length === 0 ? shown : [...shown, others],
    perDay,
    total: sum(perDay),
  };
}

/** From where to where each key's bar reaches when they stand on one another: the upper ends. */
export function stacked({ keys, days }: Spend): readonly (readonly number[])[] {
  const height = days.map(() => 0);
  return keys.map(({ perDay }) =>
    perDay.map((spent, index) => {
      height[index] = (height[index] ?? 0) + spent;
      return height[index] ?? 0;
    }),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
