import { describe, expect, test } from "vitest";
import { waitPreference } from "#edge/headers/prefer.ts";

describe("Prefer", () => {
  test.each([
    [undefined, null, null],
    ["", null, null],
    ["wait=5", 5000, "wait=5"],
    ["WAIT = 5", 5000, "wait=5"],
    ['wait="5"', 5000, "wait=5"],
    ["wait=0", 0, "wait=0"],
    ["respond-async", 0, "respond-async"],
    ["respond-async, wait=5", 5000, "wait=5"],
    ["return=minimal; wait=9", 9000, "wait=9"],
    ["wait=999999", 600_000, "wait=600"],
    ["wait=-1", null, null],
    ["wait=soon", null, null],
    ["wait=99999999999999999999", null, null],
  ])("%j waits %j ms and is applied as %j", (header, waitMs, applied) => {
    expect(waitPreference(header)).toEqual({ waitMs, applied });
  });
});
