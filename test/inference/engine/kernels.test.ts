import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadKernels } from "#inference/engine/kernels.ts";
import { resizeBicubic } from "#model/image/resize.ts";
import { randomPicture } from "../../support/pictures.ts";
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
