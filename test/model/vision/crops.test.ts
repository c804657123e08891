import { describe, expect, test } from "vitest";
import { imageLayout } from "#domain/image/layout.ts";
import type { Picture } from "#domain/tensor.ts";
import { cutViews } from "#model/vision/crops.ts";
import { llavaPolicy, siglip } from "../../support/vision.ts";

/** A resize that leaves its target's size behind as a colour: enough to see what was asked of it. */
function paint(_picture: Picture, width: number, height: number): Picture {
  return { width, height, pixelsHWC: new Uint8Array(width * height * 3).fill(200) };
}

const tower = { ...siglip, imageSize: 4, patchSize: 2 };
const gridPinpoints = [
  [4, 4],
  [8, 4],
  [4, 8],
  [8, 8],
] as const;

describe("cutViews", () => {
  test("the base view comes first, then the tiles of the letterboxed canvas row by row", () => {
    const layout = imageLayout(
      { width: 8, height: 6 },
      { ...llavaPolicy, gridPinpoints },
      tower,
      "auto",
    );
    const picture = { width: 8, height: 6, pixelsHWC: new Uint8Array(8 * 6 * 3) };
    const views = cutViews(picture, layout, 4, paint);
    expect(views).toHaveLength(5);
    expect(views.every(({ width, height }) => width === 4 && height === 4)).toBe(true);
    // 8 by 6 on 8 by 8: one black row above in the upper tiles, one below in the lower.
    expect(views.map((view) => [red(view, 0), red(view, 3)])).toEqual([
      [200, 200],
      [0, 200],
      [0, 200],
      [200, 0],
      [200, 0],
    ]);
  });

  test("low detail is the squeezed base view alone", () => {
    const picture = { width: 8, height: 6, pixelsHWC: new Uint8Array(8 * 6 * 3) };
    const views = cutViews(
      picture,
      { kind: "single", patches: 4, fit: "squeeze" },
      4,
      (seen, width, height) => {
        expect([seen.width, seen.height, width, height]).toEqual([8, 6, 4, 4]);
        return paint(seen, width, height);
      },
    );
    expect(views).toHaveLength(1);
  });

  test("padding centres the picture on a grey square, the smaller half above", () => {
    const picture = { width: 4, height: 1, pixelsHWC: new Uint8Array(4 * 3).fill(9) };
    const [view] = cutViews(picture, { kind: "single", patches: 4, fit: "pad" }, 4, (seen) => seen);
    expect(view === undefined ? [] : [0, 1, 2, 3].map((y) => red(view, y))).toEqual([
      127, 9, 127, 127,
    ]);
  });
});

function red({ width, pixelsHWC }: Picture, row: number): number | undefined {
  return pixelsHWC[row * width * 3];
}
