import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { revealSchedule } from "#model/decode/schedule.ts";
import { referenceTable } from "../../support/reference.ts";

interface Row {
  readonly mask: number;
  readonly steps: number;
  readonly out: number[];
}

const { rows } = referenceTable<{ rows: Row[] }>("pure/num_transfer_tokens.json");

describe("revealSchedule", () => {
  test("gives the reference's table for every row of it", () => {
    const schedules = rows.map(({ mask, steps }) => revealSchedule(mask, steps));
    expect(schedules).toEqual(rows.map(({ out }) => out));
  });

  test("reveals sum to the masked count, never grow, and differ by at most one", () => {
    const masked = fc.integer({ min: 0, max: 2000 });
    const steps = fc.integer({ min: 1, max: 300 });
    fc.assert(
      fc.property(masked, steps, (count, length) => {
        const schedule = revealSchedule(count, length);
        expect(schedule).toHaveLength(length);
        expect(schedule.reduce((sum, reveals) => sum + reveals, 0)).toBe(count);
        expect(schedule.toSorted((a, b) => b - a)).toEqual(schedule);
        expect(schedule[0]! - schedule.at(-1)!).toBeLessThanOrEqual(1);
      }),
    );
  });
});
