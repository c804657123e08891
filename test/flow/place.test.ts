import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Place } from "#edge/answers/making/place.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A place whose ledger says the same each time it is asked. */
function waiting(terms: { isInLine: boolean; says?: boolean }): {
  place: Place;
  asked: () => number;
} {
  const takePlace = vi.fn(async () => terms.says ?? false);
  const place = new Place(
    { answerId: "a", share: 1, hasPlace: false, isHeld: true, isInLine: terms.isInLine },
    () => ({ takePlace, leavePlace: async () => ({ called: [] }) }),
  );
  return { place, asked: () => takePlace.mock.calls.length };
}

describe("an answer's place at the functions", () => {
  test("is not asked for by an answer that its hold has put in line: it is called when its turn comes", async () => {
    const { place, asked } = waiting({ isInLine: true });
    const taken = place.taken(new AbortController().signal);
    await vi.advanceTimersByTimeAsync(500);
    place.called();
    await taken;
    expect([place.isTaken, asked()]).toEqual([true, 0]);
  });

  test("is asked for a second later where the call was lost before the answer's object knew of it", async () => {
    const { place, asked } = waiting({ isInLine: true, says: true });
    const taken = place.taken(new AbortController().signal);
    await vi.advanceTimersByTimeAsync(999);
    expect(asked()).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    await taken;
    expect([place.isTaken, asked()]).toEqual([true, 1]);
  });

  test("is asked for at once by who stands in no line yet, and by a new instance, which may have missed the call", async () => {
    const { place, asked } = waiting({ isInLine: false, says: true });
    await place.taken(new AbortController().signal);
    expect([place.isTaken, asked()]).toEqual([true, 1]);
  });
});
