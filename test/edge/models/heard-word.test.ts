import { describe, expect, test, vi } from "vitest";
import { FRESH_MS, HeardWord, MODEL_MS } from "#edge/models/heard-word.ts";

/** A model whose function says these words in turn, asked at any time. */
function saying(...words: readonly (string | undefined)[]) {
  const model = new HeardWord<string | undefined>((word) => word !== undefined);
  const read = vi.fn<() => Promise<string | undefined>>();
  for (const word of words) read.mockResolvedValueOnce(word);
  const behind: Promise<unknown>[] = [];
  const at = async (start: number) => {
    let now = start;
    return await model.latest({
      read,
      now: () => now,
      waitUntil: (work) => void behind.push(work),
      pause: async (milliseconds) => {
        now += milliseconds;
      },
    });
  };
  return { at, model, read, settle: async () => await Promise.all(behind) };
}

describe("the word of a function about its model", () => {
  test("is no older than five seconds: a changed model is seen within them", async () => {
    expect(MODEL_MS).toBeLessThanOrEqual(5_000);
    const { at, read } = saying("old", "new");
    expect([await at(0), await at(FRESH_MS - 1), await at(MODEL_MS)]).toEqual([
      "old",
      "old",
      "new",
    ]);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("is asked for again behind a request of a busy isolate, once, and nobody waits for it", async () => {
    const { at, read, settle } = saying("old", "new");
    await at(0);
    expect(await Promise.all([at(FRESH_MS), at(FRESH_MS + 1)])).toEqual(["old", "old"]);
    await settle();
    expect([await at(FRESH_MS + 2), read.mock.calls.length]).toEqual(["new", 2]);
  });

  test("is asked for once by requests that come together to an isolate that knows nothing yet", async () => {
    const { at, read } = saying("new", "never");
    expect(await Promise.all([at(0), at(1), at(999)])).toEqual(["new", "new", "new"]);
    expect(read).toHaveBeenCalledTimes(1);
  });

  test("goes on being asked for when the request that asked has ended, and its fault is told to all that wait", async () => {
    const { at, read, settle } = saying();
    const word = Promise.withResolvers<string>();
    read.mockReturnValueOnce(word.promise);
    const both = Promise.allSettled([at(0), at(1)]);
    word.reject(new Error("cut off"));
    expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await settle();
    read.mockResolvedValueOnce("new");
    expect([await at(2), read.mock.calls.length]).toEqual(["new", 2]);
  });

  test("that another request asked for and never heard is asked for again a second later, by one of those who wait", async () => {
    const { at, read } = saying();
    read.mockReturnValueOnce(new Promise(() => undefined)).mockResolvedValueOnce("new");
    void at(0);
    expect(await Promise.all([at(400), at(900)])).toEqual(["new", "new"]);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("that was asked for behind a request and never came is asked for again", async () => {
    const { at, read } = saying("old");
    await at(0);
    read.mockReturnValueOnce(new Promise(() => undefined)).mockResolvedValueOnce("new");
    await at(FRESH_MS);
    expect([await at(MODEL_MS), read.mock.calls.length]).toEqual(["new", 3]);
  });

  test("that comes late does not undo a later one", async () => {
    const { at, read, settle } = saying("old");
    await at(0);
    const slow = Promise.withResolvers<string>();
    read.mockReturnValueOnce(slow.promise).mockResolvedValueOnce("new");
    await at(FRESH_MS);
    await at(MODEL_MS);
    slow.resolve("old");
    await settle();
    expect(await at(MODEL_MS + 1)).toBe("new");
  });

  test("that is missing is asked for again after a second", async () => {
    const { at } = saying(undefined, "new");
    expect([await at(0), await at(999), await at(1000)]).toEqual([undefined, undefined, "new"]);
  });

  test("is asked for again when the clock was set back, and kept", async () => {
    const { at, read } = saying("old", "new");
    await at(10 * MODEL_MS);
    expect([await at(0), await at(1), read.mock.calls.length]).toEqual(["new", "new", 2]);
  });

  test("that said something last is remembered when there is none now, for as long as the caller believes it", async () => {
    const { at, model } = saying("old", undefined);
    expect(await at(0)).toBe("old");
    expect(await at(MODEL_MS)).toBeUndefined();
    expect([model.lastFirm(9_999, 10_000), model.lastFirm(10_000, 10_000)]).toEqual([
      "old",
      undefined,
    ]);
  });
});
