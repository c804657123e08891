import { describe, expect, test, vi } from "vitest";
import { MODEL_MS, ServedModel } from "#edge/delivery/cache-model.ts";

describe("the word of a function about its weights", () => {
  test("is believed for half a minute, then asked for again", async () => {
    const model = new ServedModel();
    const read = vi
      .fn<() => Promise<string>>()
      .mockResolvedValueOnce("old")
      .mockResolvedValueOnce("new");
    const at = async (now: number) => await model.digest(read, () => now);
    expect([await at(0), await at(MODEL_MS - 1), await at(MODEL_MS)]).toEqual([
      "old",
      "old",
      "new",
    ]);
    expect(read).toHaveBeenCalledTimes(2);
  });

  test("that is missing is asked for again after a second", async () => {
    const model = new ServedModel();
    const read = vi.fn<() => Promise<string | undefined>>();
    read.mockResolvedValueOnce(undefined).mockResolvedValueOnce("new");
    const at = async (now: number) => await model.digest(read, () => now);
    expect([await at(0), await at(999), await at(1000)]).toEqual([undefined, undefined, "new"]);
  });

  test("is asked for again when the clock was set back", async () => {
    const model = new ServedModel();
    await model.digest(
      async () => "old",
      () => 10 * MODEL_MS,
    );
    expect(
      await model.digest(
        async () => "new",
        () => 0,
      ),
    ).toBe("new");
  });
});
