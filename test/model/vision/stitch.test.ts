import { describe, expect, test } from "vitest";
import { imageLayout, imageVectorCount, type TiledLayout } from "#domain/image/layout.ts";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { stitchFeatures } from "#model/vision/stitch.ts";
import { referenceArrays } from "../../support/reference.ts";
import { llavaPolicy, siglip } from "../../support/vision.ts";

const maps = referenceArrays("pure/assembly_maps.safetensors");
const bilinear = referenceArrays("pure/bilinear.safetensors");
const newline = Float32Array.of(-1, -1, -1);

/** Features that say where they come from: (view, row, column). */
function addresses(views: number, side: number): Tensor {
  const data = Array.from({ length: views * side * side }, (_, index) => {
    const patch = index % (side * side);
    return [Math.floor(index / (side * side)), Math.floor(patch / side), patch % side];
  });
  return tensor([views, side * side, 3], Float32Array.from(data.flat()));
}

describe("stitchFeatures", () => {
  test.each(maps.names)(
    "assembles the vectors of a %s picture from the reference's places",
    (name) => {
      const [width = 0, height = 0] = name.split("x").map(Number);
      const layout = imageLayout({ width, height }, llavaPolicy, siglip, "auto");
      if (layout.kind !== "tiled") throw new Error(`expected tiles, got ${layout.kind}`);
      const views = 1 + layout.tiles.width * layout.tiles.height;
      const stitched = stitchFeatures(addresses(views, 27), newline, layout);
      const expected = maps.get(name);
      expect(stitched.shape).toEqual(expected.shape);
      expect(stitched.shape[0]).toBe(imageVectorCount(width, height, llavaPolicy, siglip, "auto"));
      expect(largestDifference(stitched.data, expected.data)).toBeLessThan(2e-5);
    },
  );

  test.each(["0", "1", "3", "4"])(
    "shrinks grid %s as the reference's bilinear filter does",
    (k) => {
      const { shape, data } = bilinear.get(`in${k}`);
      const output = bilinear.get(`out${k}`);
      const [channels = 0, height = 0, width = 0] = shape;
      const [, rows = 0, columns = 0] = output.shape;
      // One tile as large as the grid needs; the base view is left out of the comparison.
      const side = Math.max(height, width);
      const features = new Float32Array(2 * side * side * channels);
      for (let channel = 0; channel < channels; channel++) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            features[((side + y) * side + x) * channels + channel] =
              data[(channel * height + y) * width + x]!;
          }
        }
      }
      const layout: TiledLayout = {
        kind: "tiled",
        patches: side * side,
        canvas: { width: 1, height: 1 },
        letterbox: { left: 0, top: 0, width: 1, height: 1 },
        tiles: { width: 1, height: 1 },
        kept: { left: 0, top: 0, width, height },
        shrunk: { width: columns, height: rows },
      };
      const stitched = stitchFeatures(
        tensor([2, side * side, channels], features),
        new Float32Array(channels),
        layout,
      );
      const expected = new Float32Array(rows * (columns + 1) * channels);
      for (let channel = 0; channel < channels; channel++) {
        for (let y = 0; y < rows; y++) {
          for (let x = 0; x < columns; x++) {
            expected[(y * (columns + 1) + x) * channels + channel] =
              output.data[(channel * rows + y) * columns + x]!;
          }
        }
      }
      const grid = stitched.data.subarray(side * side * channels);
      expect(largestDifference(grid, expected)).toBeLessThan(1e-5);
    },
  );

  test("a single view is its patches and one newline", () => {
    const stitched = stitchFeatures(addresses(1, 2), newline, {
      kind: "single",
      patches: 4,
      fit: "squeeze",
    });
    expect(stitched.shape).toEqual([5, 3]);
    expect([...stitched.data.subarray(-6)]).toEqual([0, 1, 1, -1, -1, -1]);
  });

  test("the wrong number of views is a RangeError", () => {
    expect(() =>
      stitchFeatures(addresses(2, 2), newline, { kind: "single", patches: 4, fit: "squeeze" }),
    ).toThrow(RangeError);
  });
});

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let index = 0; index < actual.length; index++) {
    largest = Math.max(largest, Math.abs(actual[index]! - expected[index]!));
  }
  return largest;
}
