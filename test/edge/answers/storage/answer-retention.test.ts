import { describe, expect, test } from "vitest";
import { retentionAt } from "#edge/answers/storage/answer-retention.ts";
import { standardKeeping } from "#edge/answers/storage/stored-answers.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("an ended answer", () => {
  test("keeps its question and frames for a day, and itself for a week", () => {
    expect(retentionAt(0, 0, false, standardKeeping)).toEqual({ forgets: "nothing", lookAt: DAY });
    expect(retentionAt(DAY - 1, 0, false, standardKeeping)).toEqual({
      forgets: "nothing",
      lookAt: DAY,
    });
    expect(retentionAt(DAY, 0, false, standardKeeping)).toEqual({
      forgets: "work",
      lookAt: 7 * DAY,
    });
    expect(retentionAt(7 * DAY - 1, 0, false, standardKeeping)).toEqual({
      forgets: "work",
      lookAt: 7 * DAY,
    });
    expect(retentionAt(7 * DAY, 0, false, standardKeeping)).toEqual({ forgets: "answer" });
  });

  test("that something is left to do for is looked after at growing pauses, from 20 seconds to an hour, until it is forgotten", () => {
    const pauses = [0, 20_000, 60_000, HOUR, 2 * DAY].map((now) => {
      const retention = retentionAt(now, 0, true, standardKeeping);
      return retention.forgets === "answer" ? undefined : retention.lookAt - now;
    });
    expect(pauses).toEqual([20_000, 20_000, 60_000, HOUR, HOUR]);
    expect(retentionAt(7 * DAY, 0, true, standardKeeping)).toEqual({ forgets: "answer" });
  });
});
