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

  test.each([
    // The height is first where it shrinks by more than twice what the width does: so Pillow 13 was seen to do.
    [
      "taller than wide, and the width grows",
      2,
      5,
      [
        [2, 4],
        [4, 4],
      ],
    ],
    [
      "much taller than wide",
      5,
      7,
      [
        [5, 4],
        [4, 4],
      ],
    ],
    ["taller than wide", 5, 6, [[4, 4]]],
    ["wider than tall", 8, 6, [[4, 4]]],
    ["smaller than the view", 2, 3, [[4, 4]]],
  ] as const)(
    "stretching a picture %s takes its passes in the order of newer Pillows",
    (_, width, height, expected) => {
      const asked: number[][] = [];
      const picture = { width, height, pixelsHWC: new Uint8Array(width * height * 3) };
      cutViews(
        picture,
        { kind: "single", patches: 4, fit: "stretch" },
        4,
        (seen, toWidth, toHeight) => {
          asked.push([toWidth, toHeight]);
          return paint(seen, toWidth, toHeight);
        },
      );
      expect(asked).toEqual(expected);
    },
  );

  test("padding lays the picture in the middle of a square mat, the smaller half above, and builds none", () => {
    const mats: unknown[] = [];
    for (const [width, height] of [
      [4, 1],
      [1, 4],
      [3, 3],
    ] as const) {
      const picture = { width, height, pixelsHWC: new Uint8Array(width * height * 3) };
      cutViews(picture, { kind: "single", patches: 4, fit: "pad" }, 4, (seen, _, __, mat) => {
        expect(seen).toBe(picture);
        mats.push(mat);
        return paint(seen, 4, 4);
      });
    }
    expect(mats).toEqual([
      { width: 4, height: 4, left: 0, top: 1 },
      { width: 4, height: 4, left: 1, top: 0 },
      { width: 3, height: 3, left: 0, top: 0 },
    ]);
  });
});

function red({ width, pixelsHWC }: Picture, row: number): number | undefined {
  return pixelsHWC[row * width * 3];
}
