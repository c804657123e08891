import { describe, expect, test } from "vitest";
import { normaliseViews } from "#model/image/patches.ts";

describe("normaliseViews", () => {
  test("channels lie apart, each view after the other", () => {
    const first = { width: 1, height: 1, pixelsHWC: Uint8Array.of(0, 255, 0) };
    const second = { width: 1, height: 1, pixelsHWC: Uint8Array.of(255, 0, 255) };
    const viewsNCHW = normaliseViews([first, second], { imageSize: 1 });
    expect(viewsNCHW.shape).toEqual([2, 3, 1, 1]);
    expect([...viewsNCHW.data]).toEqual([-1, 1, -1, 1, -1, 1]);
  });

  test("each step is rounded to float32, which is not the same as v / 127.5 − 1", () => {
    const levels = Uint8Array.from({ length: 256 }, (_, level) => level);
    const view = { width: 16, height: 16, pixelsHWC: Uint8Array.from(levels, (level) => level) };
    const grey = Uint8Array.from({ length: 256 * 3 }, (_, index) => Math.floor(index / 3));
    const { data } = normaliseViews([{ ...view, pixelsHWC: grey }], { imageSize: 16 });
    // Read off the reference's pixel_values for these levels.
    expect(data[1]).toBe(Math.fround(-0.9921568632125854));
    expect(data[100]).toBe(Math.fround(-0.21568626165390015));
    expect(data[128]).toBe(Math.fround(0.003921627998352051));
    expect(data[128]).not.toBe(Math.fround(128 / 127.5 - 1));
  });

  test("a tower that says how its levels are to enter is given them so, each exactly", () => {
    const view = { width: 1, height: 1, pixelsHWC: Uint8Array.of(0, 127, 255) };
    const tower = { imageSize: 1, levels: { mean: 127, deviation: 128 } };
    expect([...normaliseViews([view], tower).data]).toEqual([-127 / 128, 0, 1]);
  });

  test("a view of another size is a RangeError", () => {
    const view = { width: 2, height: 1, pixelsHWC: new Uint8Array(6) };
    expect(() => normaliseViews([view], { imageSize: 2 })).toThrow(RangeError);
  });
});
