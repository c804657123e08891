import type { FieldProblem } from "#domain/failure.ts";
import type { Micros } from "#domain/micros.ts";
import type { KeyRecord } from "./key-store.ts";

/** What of a key may do more than another, by the field that says so: what one key makes of another must have none. */
export function excessOf(key: KeyRecord, other: KeyRecord): readonly FieldProblem[] {
  return [
    ...excessItems("scopes", key.scopes, other.scopes),
    ...excessItems("models", key.models, other.models),
    ...excessItems("origins", key.origins, other.origins),
    ...excessLimits(key, other),
    ...(other.expiresAt !== null && (key.expiresAt === null || key.expiresAt > other.expiresAt)
      ? [{ pointer: "/expires_at", message: `must not be after ${timeOf(other.expiresAt)}` }]
      : []),
  ];
}

/** Null is everything. */
function excessItems(
  field: string,
  items: readonly string[] | null,
  allowed: readonly string[] | null,
): readonly FieldProblem[] {
  const message = "the key that asks is not allowed this itself";
  if (allowed === null) return [];
  if (items === null) return [{ pointer: `/${field}`, message }];
  return items.flatMap((item, index) =>
    allowed.includes(item) ? [] : [{ pointer: `/${field}/${index}`, message }],
  );
}

function excessLimits({ limits }: KeyRecord, { limits: most }: KeyRecord): readonly FieldProblem[] {
  const pairs: readonly (readonly [string, number | Micros | null, number | Micros | null])[] = [
    ["requests_per_minute", limits.requestsPerMinute, most.requestsPerMinute],
    ["steps_per_minute", limits.stepsPerMinute, most.stepsPerMinute],
    ["concurrent", limits.concurrent, most.concurrent],
    ["spend_per_day_micros", limits.spendPerDayMicros, most.spendPerDayMicros],
    ["spend_per_month_micros", limits.spendPerMonthMicros, most.spendPerMonthMicros],
  ];
  return pairs.flatMap(([name, own, limit]) =>
    limit !== null && (own === null || own > limit)
      ? [
          {
            pointer: `/limits/${name}`,
            message: `must be at most ${limit}, as of the key that asks`,
          },
        ]
      : [],
  );
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
