import { expect, test } from "vitest";
import { rateMeter } from "#weights/progress.ts";

test("the rate is that of the last ten seconds, and the time left follows from it", () => {
  let nowMs = 0;
  const meter = rateMeter(100_000, () => nowMs);
  expect(meter(0)).toMatchObject({ bytesPerSecond: 0, etaSeconds: Number.POSITIVE_INFINITY });
  for (; nowMs < 20_000; nowMs += 500) meter(nowMs * 2);
  expect(meter(40_000).bytesPerSecond).toBeCloseTo(2000, -2);
  for (; nowMs < 40_000; nowMs += 500) meter(40_000 + (nowMs - 20_000) / 2);
  const slow = meter(50_000);
  expect(slow.bytesPerSecond).toBeCloseTo(500, -2);
  expect(slow.etaSeconds).toBeCloseTo(100, -1);
});

test("what is done has no time left", () => {
  expect(rateMeter(10, () => 0)(10).etaSeconds).toBe(0);
});
