import { describe, expect, test } from "vitest";
import { scaleOf } from "#client/pictures/reduce-picture.ts";

describe("a picture is scaled", () => {
  const image = { recommended_max_pixels: 4608, recommended_max_side: 96 };
  test.each<[string, number, number, number]>([
    ["by its longer side", 192, 10, 0.5],
    ["by its pixels", 96, 96, Math.SQRT1_2],
    ["not at all where it is small enough", 96, 48, 1],
    ["never up", 4, 4, 1],
  ])("%s", (_, width, height, scale) => {
    expect(scaleOf({ width, height }, image)).toBe(scale);
  });

  test("not at all where the model does not say how it sees", () => {
    const untold = { recommended_max_pixels: null, recommended_max_side: null };
    expect(scaleOf({ width: 9000, height: 9000 }, untold)).toBe(1);
    expect(scaleOf({ width: 9000, height: 9000 }, null)).toBe(1);
  });
});
