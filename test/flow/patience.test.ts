import { describe, expect, test } from "vitest";
import type { Failure } from "#domain/failure.ts";
import { MAX_ABSENCE_MS, MAX_QUEUE_MS, Patience } from "#edge/answers/making/patience.ts";
import { failures } from "../support/edge-builders.ts";

/** A patience whose clock the test moves. */
function patienceOf(isAccepted: boolean) {
  const clock = { now: 1_000 };
  return { clock, patience: new Patience({ isAccepted, createdAt: 1_000 }, () => clock.now) };
}

/** Waits for what refuses like this until it is given up; returns for how long. */
function endures(failure: Failure, attempt = 1): number {
  const { clock, patience } = patienceOf(true);
  for (let looks = 0; looks < 1_000_000; looks += 1) {
    const waitMs = patience.after(failure, attempt);
    if (waitMs === null) return clock.now - 1_000;
    clock.now += waitMs;
  }
  throw new Error("it never ends");
}

const absences = [
  "function_unreachable",
  "function_outdated",
  "draining",
  "weights_loading",
] as const;

describe("an accepted answer", () => {
  test.each(absences)("waits ten minutes for a function that is away: %s", (kind) => {
    expect(endures(failures[kind])).toBe(MAX_ABSENCE_MS);
  });

  test("waits for a place at a full function for as long as its price can be held", () => {
    expect(endures(failures.overloaded)).toBe(MAX_QUEUE_MS);
  });

  test("looks soon at first, then less often, and not later than a function says", () => {
    const { patience } = patienceOf(true);
    const waits = Array.from({ length: 6 }, () => patience.after(failures.draining, 1));
    expect(waits).toEqual([200, 800, 2_000, 5_000, 10_000, 10_000]);
    const { patience: other } = patienceOf(true);
    expect(other.after({ kind: "overloaded", retryAfterSeconds: 3 }, 1)).toBe(3_000);
    expect(other.after(failures.weights_loading, 1)).toBe(10_000);
  });

  test("has its ten minutes anew once a function had taken it", () => {
    const { clock, patience } = patienceOf(true);
    patience.after(failures.draining, 1);
    clock.now += MAX_ABSENCE_MS - 1;
    patience.taken();
    expect(patience.after(failures.draining, 2)).toBe(200);
    clock.now += MAX_ABSENCE_MS;
    expect(patience.after(failures.draining, 2)).toBeNull();
  });

  test.each(["image_bomb", "weights_failed", "function_reply_invalid", "internal"] as const)(
    "does not wait for what stays as it is: %s",
    (kind) => expect(endures(failures[kind])).toBe(0),
  );
});

describe("who waits for the reply of a plain request", () => {
  test.each([...absences, "overloaded"] as const)("is refused at once: %s", (kind) => {
    expect(patienceOf(false).patience.after(failures[kind], 1)).toBeNull();
  });

  test("waits once a machine has died under the answer", () => {
    expect(patienceOf(false).patience.after(failures.function_unreachable, 2)).toBe(200);
  });
});
