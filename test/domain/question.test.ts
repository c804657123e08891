import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { usualBlock } from "#domain/question.ts";

describe("positions per block where nobody names them", () => {
  test.each([
    [64, 64, null, 64],
    [64, 64, 32, 32],
    [64, 16, 32, 32],
    [32, 32, 32, 32],
    [16, 16, 32, 16],
    [48, 48, 32, 24],
    [100, 100, 32, 25],
    // Three blocks of 20 take 20 steps badly, and two of 30 well.
    [60, 20, 32, 30],
    [37, 37, 32, 37],
    [64, 33, 32, 64],
  ])("canvas %i, %i steps, the model's own %o: %i", (canvas, steps, block, expected) => {
    expect(usualBlock(canvas, steps, block)).toBe(expected);
  });

  test("always divide canvas and steps, and are the canvas, or the model's or little less", () => {
    const canvasAndSteps = fc
      .integer({ min: 1, max: 1024 })
      .chain((canvas) => fc.tuple(fc.constant(canvas), fc.integer({ min: 1, max: canvas })));
    const blocks = fc.option(fc.integer({ min: 1, max: 64 }));
    fc.assert(
      fc.property(canvasAndSteps, blocks, ([canvas, steps], block) => {
        const length = usualBlock(canvas, steps, block);
        expect([canvas % length, steps % (canvas / length)]).toEqual([0, 0]);
        const isNear = block !== null && length <= block && length > block / 2;
        expect(length === canvas || isNear).toBe(true);
      }),
      { seed: 11, numRuns: 500 },
    );
  });
});
