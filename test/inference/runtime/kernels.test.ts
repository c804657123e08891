import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { onMat, randomPicture } from "../../support/pictures.ts";
import { pictureOf, referenceArrays, referenceTable } from "../../support/reference.ts";

const { resize } = await loadKernels();
const { cases } = referenceTable<{
  cases: { k: number; in_wh: [number, number]; out_wh: [number, number] }[];
}>("resize/index.json");
const arrays = referenceArrays("resize/bicubic_u8.safetensors");

describe("the resize kernel", () => {
  test.each(cases)(
    "gives Pillow's bytes for $in_wh to $out_wh",
    ({ k, out_wh: [width, height] }) => {
      const resized = resize(pictureOf(arrays.get(`in${k}`)), width, height);
      expect([resized.width, resized.height]).toEqual([width, height]);
      expect(resized.pixelsHWC).toEqual(arrays.get(`out${k}`).data);
    },
  );

  test("gives its twin's bytes at every size, growing and shrinking", () => {
    const side = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        fc.integer(),
        (fromWidth, fromHeight, width, height, seed) => {
          const picture = randomPicture(fromWidth, fromHeight, seed);
          const { pixelsHWC } = resize(picture, width, height);
          expect(Buffer.compare(pixelsHWC, resizeBicubic(picture, width, height).pixelsHWC)).toBe(
            0,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("gives its twin's bytes for a picture on a mat, at every size", () => {
    const side = fc.integer({ min: 1, max: 70 });
    const margin = fc.integer({ min: 0, max: 70 });
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side }),
        fc.tuple(margin, margin, margin, margin),
        fc.record({ width: side, height: side }),
        fc.integer(),
        (size, margins, target, seed) => {
          const picture = randomPicture(size.width, size.height, seed);
          const mat = onMat(size, margins);
          const { pixelsHWC } = resize(picture, target.width, target.height, mat);
          const expected = resizeBicubic(picture, target.width, target.height, mat);
          expect(Buffer.compare(pixelsHWC, expected.pixelsHWC)).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ["line", 16_384, 1],
    ["column", 1, 16_384],
    ["thin picture", 16_384, 16],
  ])("gives its twin's bytes for the longest %s on its square", (_, width, height) => {
    const picture = randomPicture(width, height, 7);
    const side = Math.max(width, height);
    const [left, top] = [Math.floor((side - width) / 2), Math.floor((side - height) / 2)];
    const mat = { width: side, height: side, left, top };
    const { pixelsHWC } = resize(picture, 384, 384, mat);
    expect(Buffer.compare(pixelsHWC, resizeBicubic(picture, 384, 384, mat).pixelsHWC)).toBe(0);
  });

  test.each([
    [0, 4],
    [4, Number.NaN],
    [20_000, 20_000],
  ])("a target of %d by %d is a RangeError", (width, height) => {
    expect(() => resize(randomPicture(2, 2, 1), width, height)).toThrow(RangeError);
  });

  test("a call leaves nothing behind that the next could see", () => {
    const picture = randomPicture(40, 40, 5);
    const first = resize(picture, 7, 9);
    resize(randomPicture(300, 200, 6), 33, 44);
    expect(resize(picture, 7, 9)).toEqual(first);
  });
});
