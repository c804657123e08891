import type { RefusalRow } from "#wire/api/accounts/refusals.ts";

/** How often one code refused, over all days and keys. */
export interface RefusedCode {
  readonly code: string;
  readonly count: number;
  /** `YYYY-MM-DD` */
  readonly lastDay: string;
}

/** Sums rows by code, most often first. */
export function countedByCode(rows: readonly RefusalRow[]): readonly RefusedCode[] {
  const byCode = new Map<string, RefusedCode>();
  for (const { code, count, day } of rows) {
    const known = byCode.get(code) ?? { code, count: 0, lastDay: day };
    byCode.set(code, {
      code,
      count: known.count + count,
      lastDay: day > known.lastDay ? day : known.lastDay,
    });
  }
  return [...byCode.values()].sort(
    (one, other) => other.count - one.count || one.code.localeCompare(other.code),
  );
}
