import { describe, expect, test } from "vitest";
import { imageLayout, type Size, type TiledLayout } from "#domain/image/layout.ts";
import { recommendedSize } from "#domain/image/recommended-size.ts";
import type { ImageRules } from "#domain/work.ts";

const grid = [1, 2, 3, 4, 5, 6].flatMap((across) =>
  [1, 2, 3, 4, 5, 6].map((down) => [across * 384, down * 384] as const),
);
const vision = { imageSize: 384, patchSize: 14 };
const llada: ImageRules = {
  policy: { aspect: "anyres", gridPinpoints: grid, maxTiles: 4 },
  vision,
};
const padded: ImageRules = { policy: { ...llada.policy, aspect: "pad" }, vision };

/** A reduced side is rounded to whole pixels, which may move a thin picture by a row: canvas, tiles and vectors are compared. */
function layoutOf(size: Size): Partial<TiledLayout> {
  const layout = imageLayout(size, llada.policy, vision, "auto");
  if (layout.kind !== "tiled") throw new Error("an anyres policy gives tiles");
  return { canvas: layout.canvas, tiles: layout.tiles, shrunk: layout.shrunk };
}

describe("the size that a picture is worth sending in", () => {
  test("is one view where a model looks at one", () => {
    expect(recommendedSize(padded)).toEqual({ pixels: 384 * 384, side: 384 });
  });

  test("is the largest canvas where it looks at tiles", () => {
    expect(recommendedSize(llada)).toEqual({ pixels: 2304 * 2304, side: 2304 });
  });

  test("is the view where no canvas is as large", () => {
    const policy = { ...llada.policy, gridPinpoints: [[96, 48]] as const };
    expect(recommendedSize({ policy, vision })).toEqual({ pixels: 384 * 384, side: 384 });
  });

  test.each([
    [4032, 3024],
    [3024, 4032],
    [8000, 800],
    [6000, 6000],
  ])(
    "loses nothing: a picture of %i × %i is looked at on the same canvas when it is reduced",
    (width, height) => {
      const { pixels, side } = recommendedSize(llada);
      const scale = Math.min(
        1,
        side / Math.max(width, height),
        Math.sqrt(pixels / (width * height)),
      );
      const reduced = { width: Math.round(width * scale), height: Math.round(height * scale) };
      expect(layoutOf(reduced)).toEqual(layoutOf({ width, height }));
    },
  );
});
