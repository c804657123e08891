import { expect, test, vi } from "vitest";
import { untilNextAlarm, withRetry } from "#edge/with-retry.ts";

/** A call that fails so often before it succeeds. */
function failing(times: number): { made: number; call: () => Promise<string> } {
  const counted = {
    made: 0,
    call: async (): Promise<string> => {
      counted.made += 1;
      if (counted.made <= times) throw new Error(`failure ${counted.made}`);
      return "there";
    },
  };
  return counted;
}

test.each([
  [0, 1],
  [1, 2],
  [2, 3],
])(
  "a call that fails %i times succeeds within a budget of 3, after %i calls",
  async (times, made) => {
    const counted = failing(times);
    expect(await withRetry(counted.call, { attempts: 3 })).toBe("there");
    expect(counted.made).toBe(made);
  },
);

test("a call whose budget is spent rejects with its last cause", async () => {
  const counted = failing(9);
  await expect(withRetry(counted.call, { attempts: 3 })).rejects.toThrow("failure 3");
  expect(counted.made).toBe(3);
});

test("a cause that is final is not tried again", async () => {
  const counted = failing(9);
  await expect(withRetry(counted.call, { attempts: 3, isFinal: () => true })).rejects.toThrow(
    "failure 1",
  );
});

test("what an alarm makes again is called once, and its failure is a line in the log", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const counted = failing(1);
  expect(await withRetry(counted.call, untilNextAlarm("it broke", "ans_1"))).toBe(false);
  expect(counted.made).toBe(1);
  expect(log.mock.calls[0]?.[0]).toContain('"fault":"it broke","request_id":"ans_1"');
  log.mockRestore();
});
