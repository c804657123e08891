import { describe, expect, test } from "vitest";
import { randomOf } from "../../fleet/reports.ts";
import { heapsIn } from "./measure.ts";
import { trendOf } from "./trend.ts";

const random = randomOf(7);

/** Sixty figures around a hundred, with this much more at each. */
const series = (more: (place: number) => number): readonly number[] =>
  Array.from({ length: 60 }, (_, place) => 100 + more(place) + 20 * (random() - 0.5));

describe("a series of figures", () => {
  test("is level where it only wavers, or rises by less than a tenth over its second half", () => {
    for (let turn = 0; turn < 50; turn++) expect(trendOf(series(() => 0)).isLevel).toBe(true);
    expect(trendOf(series((place) => place / 6)).isLevel).toBe(true);
  });

  test("is level where it rose and has come to rest", () => {
    expect(trendOf(series((place) => 200 * Math.min(1, place / 30))).isLevel).toBe(true);
  });

  test("is not level where it goes on rising", () => {
    for (let turn = 0; turn < 50; turn++)
      expect(trendOf(series((place) => 2 * place)).isLevel).toBe(false);
  });
});

test("what V8 keeps is read of the isolate that was collected most often", () => {
  const line = (isolate: string, before: number, after: number): string =>
    `[12:${isolate}]   510 ms: Mark-Compact ${before}.6 (58.2) -> ${after}.5 (58.2) MB, pooled: 0.0 MB, 4 / 0 ms`;
  const scavenge = "[12:0xa]   520 ms: Scavenge 30.1 (58.2) -> 29.0 (58.2) MB, pooled: 0.0 MB";
  const log = [line("0xa", 39, 12), line("0xb", 9, 8), scavenge, line("0xa", 41, 13)].join("\n");
  expect(heapsIn(log)).toEqual([12.5 * 2 ** 20, 13.5 * 2 ** 20]);
});
