import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAT_LEVEL, MAX_MAT_SCALE, resizeBicubic } from "#model/image/resize.ts";
import { mounted, onMat, randomPicture } from "../../support/pictures.ts";
import { pictureOf, referenceArrays, referenceTable } from "../../support/reference.ts";

interface Index {
  readonly cases: readonly { k: number; in_wh: [number, number]; out_wh: [number, number] }[];
}

const { cases } = referenceTable<Index>("resize/index.json");
const arrays = referenceArrays("resize/bicubic_u8.safetensors");

describe("resizeBicubic", () => {
  test.each(cases)(
    "gives Pillow's bytes for $in_wh to $out_wh",
    ({ k, out_wh: [width, height] }) => {
      const resized = resizeBicubic(pictureOf(arrays.get(`in${k}`)), width, height);
      expect([resized.width, resized.height]).toEqual([width, height]);
      expect(resized.pixelsHWC).toEqual(arrays.get(`out${k}`).data);
    },
  );

  test("a picture of one colour keeps it at every size", () => {
    const side = fc.integer({ min: 1, max: 40 });
    const level = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(side, side, side, side, level, (fromWidth, fromHeight, width, height, value) => {
        const pixelsHWC = new Uint8Array(fromWidth * fromHeight * 3).fill(value);
        const resized = resizeBicubic(
          { width: fromWidth, height: fromHeight, pixelsHWC },
          width,
          height,
        );
        expect(resized.pixelsHWC).toEqual(new Uint8Array(width * height * 3).fill(value));
      }),
    );
  });

  test("a picture that keeps its size is copied, not shared", () => {
    const picture = pictureOf(arrays.get("in0"));
    const same = resizeBicubic(picture, picture.width, picture.height);
    expect(same.pixelsHWC).toEqual(picture.pixelsHWC);
    expect(same.pixelsHWC.buffer).not.toBe(picture.pixelsHWC.buffer);
  });

  test.each([
    [0, 4],
    [4, 0],
    [Number.NaN, 4],
  ])("a target of %d by %d is a RangeError", (width, height) => {
    expect(() => resizeBicubic(pictureOf(arrays.get("in7")), width, height)).toThrow(RangeError);
  });

  test("a picture on a mat gives the bytes of the mat built first and then scaled", () => {
    const side = fc.integer({ min: 1, max: 60 });
    const margin = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(
        fc.record({ width: side, height: side }),
        fc.tuple(margin, margin, margin, margin),
        fc.record({ width: side, height: side }),
        fc.integer(),
        (size, margins, target, seed) => {
          const picture = randomPicture(size.width, size.height, seed);
          const mat = onMat(size, margins);
          const built = resizeBicubic(mounted(picture, mat), target.width, target.height);
          const read = resizeBicubic(picture, target.width, target.height, mat);
          expect(Buffer.compare(read.pixelsHWC, built.pixelsHWC)).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("a row of nothing but mat stays grey as far as a mat may be larger than its target", () => {
    const mat = { width: MAX_MAT_SCALE, height: 9, left: 4_000, top: 4 };
    const { pixelsHWC } = resizeBicubic(randomPicture(1, 1, 1), 1, 9, mat);
    expect([...pixelsHWC.subarray(0, 12)]).toEqual(new Array(12).fill(MAT_LEVEL));
  });

  test.each([
    ["that the picture does not fit on", { width: 40, height: 40, left: 39, top: 0 }],
    [
      "larger than its target many times over",
      { width: 9 * MAX_MAT_SCALE, height: 40, left: 0, top: 0 },
    ],
  ])("a mat %s is a RangeError", (_, mat) => {
    expect(() => resizeBicubic(randomPicture(2, 2, 1), 8, 8, mat)).toThrow(RangeError);
  });
});
