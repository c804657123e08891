import { describe, expect, test } from "vitest";
import { type ImagePolicy, type PatchTower, viewRules } from "#domain/architecture.ts";
import { imageLayout, imageLayouts, imageVectorCount, unpaddedBox } from "#domain/image/layout.ts";
import { lite0 } from "../../support/conv-tower.ts";
import { referenceTable } from "../../support/reference.ts";
import { llavaPolicy, siglip } from "../../support/vision.ts";

interface AnyresRow {
  readonly w: number;
  readonly h: number;
  readonly best: [number, number];
  readonly grid_wh: [number, number];
  readonly tiles: number;
  readonly unpadded_hw: [number, number];
  /** Absent for large canvases. */
  readonly letterbox_xyxy?: [number, number, number, number];
  readonly tokens: number;
  readonly rows_out: number;
  readonly cols_out: number;
}

interface UnpadRow {
  readonly grid_hw: [number, number];
  readonly image_wh: [number, number];
  readonly out_hw: [number, number];
  /** Index of the first kept patch; null where none is. */
  readonly first: number | null;
}

const { rows: sizes } = referenceTable<{ rows: AnyresRow[] }>("pure/anyres_sizes.json");
const { rows: unpads } = referenceTable<{ rows: UnpadRow[] }>("pure/unpad_image.json");

describe("imageLayout", () => {
  test.each(sizes)("a picture of $w by $h is laid out as the reference does", (row) => {
    const layout = imageLayout({ width: row.w, height: row.h }, llavaPolicy, siglip, "auto");
    if (layout.kind !== "tiled") throw new Error(`expected tiles, got ${layout.kind}`);
    const { canvas, letterbox, tiles, kept, shrunk } = layout;
    expect([canvas.width, canvas.height]).toEqual(row.best);
    expect([tiles.width, tiles.height]).toEqual(row.grid_wh);
    expect(tiles.width * tiles.height + 1).toBe(row.tiles);
    const { left, top, width, height } = letterbox;
    const corners = [left, top, left + width, top + height];
    if (row.letterbox_xyxy !== undefined) expect(corners).toEqual(row.letterbox_xyxy);
    expect([kept.height, kept.width]).toEqual(row.unpadded_hw);
    expect([shrunk.height, shrunk.width]).toEqual([row.rows_out, row.cols_out]);
    expect(imageVectorCount(row.w, row.h, llavaPolicy, siglip, "auto")).toBe(row.tokens);
  });

  test.each(unpads)("a grid of $grid_hw loses the padding of $image_wh", (row) => {
    const [gridHeight, gridWidth] = row.grid_hw;
    const [width, height] = row.image_wh;
    const box = unpaddedBox({ width: gridWidth, height: gridHeight }, { width, height });
    expect([box.height, box.width]).toEqual(row.out_hw);
    if (row.first !== null) expect(box.top * gridWidth + box.left).toBe(row.first);
  });

  test("low detail is one view of P vectors and a newline, whatever the size", () => {
    expect(imageVectorCount(4032, 3024, llavaPolicy, siglip, "low")).toBe(730);
    expect(imageVectorCount(1, 1, llavaPolicy, siglip, "low")).toBe(730);
  });

  test("a padding policy takes one view at any detail", () => {
    const policy: ImagePolicy = { ...llavaPolicy, aspect: "pad" };
    expect(imageVectorCount(800, 600, policy, siglip, "auto")).toBe(730);
    expect(imageLayout({ width: 8, height: 6 }, policy, siglip, "low")).toEqual({
      kind: "single",
      patches: 729,
      fit: "pad",
    });
  });

  test("a stretching policy takes one view at any detail, and each of several pictures alone", () => {
    const policy: ImagePolicy = { aspect: "stretch", gridPinpoints: [], maxTiles: 1 };
    const rules = viewRules(lite0);
    const whole = { kind: "single", patches: 50, fit: "stretch" };
    expect(imageVectorCount(4032, 3024, policy, rules, "auto")).toBe(51);
    expect(imageLayout({ width: 8, height: 6 }, policy, rules, "low")).toEqual(whole);
    const two = [
      { width: 8, height: 6 },
      { width: 1, height: 600 },
    ];
    expect(imageLayouts(two, policy, rules, "auto")).toEqual([whole, whole]);
  });

  test("vectors that are no patches lie in no grid: tiles of them are a RangeError", () => {
    const tiled = () => imageVectorCount(8, 8, llavaPolicy, viewRules(lite0), "auto");
    expect(tiled).toThrow(RangeError);
  });

  test("a picture so narrow that no column is left leaves only newlines", () => {
    const tower: PatchTower = { ...siglip, imageSize: 56 };
    const gridPinpoints = [1, 2, 3].flatMap((across) =>
      [1, 2, 3].map((down) => [across * 56, down * 56] as const),
    );
    const layout = imageLayout(
      { width: 10, height: 200 },
      { ...llavaPolicy, gridPinpoints },
      tower,
      "auto",
    );
    expect(layout).toMatchObject({ kept: { width: 0 }, shrunk: { width: 0 } });
  });

  test("a policy without a grid is a RangeError", () => {
    const policy: ImagePolicy = { ...llavaPolicy, gridPinpoints: [] };
    expect(() => imageVectorCount(8, 8, policy, siglip, "auto")).toThrow(RangeError);
  });
});
