import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resizeBicubic } from "#model/image/resize.ts";
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
});
