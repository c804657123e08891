import { describe, expect, test } from "vitest";
import { viewRules, viewVectors } from "#domain/architecture.ts";
import {
  type ConvTower,
  cellsPerSide,
  convTowerFault,
  evidenceWidth,
  samePadding,
  tapWidth,
  trunkOf,
} from "#domain/conv-tower.ts";
import { smallTower } from "#engine/self-test/self-test-tower.ts";
import { lite0 } from "../support/conv-tower.ts";

describe("a tower of convolutions", () => {
  test("unrolls EfficientNet-Lite0 into its 49 convolutions, and a picture into 50 vectors of 117", () => {
    const { stem, blocks, head } = trunkOf(lite0);
    const all = [stem, ...blocks.flatMap(({ convolutions }) => convolutions), head];
    expect(all).toHaveLength(49);
    expect(all.filter(({ isDepthwise }) => isDepthwise)).toHaveLength(16);
    expect(blocks[11]?.convolutions).toEqual([
      expect.objectContaining({ name: "trunk.blocks.11.convs.0", inputs: 112, outputs: 672 }),
      expect.objectContaining({ isDepthwise: true, kernel: 5, stride: 2, sideIn: 14, sideOut: 7 }),
      expect.objectContaining({ inputs: 672, outputs: 192, isClipped: false }),
    ]);
    expect(cellsPerSide(lite0)).toBe(7);
    expect(viewVectors(viewRules(lite0))).toBe(50);
    expect([tapWidth(lite0), evidenceWidth(lite0)]).toEqual([448, 117]);
  });

  test("pads as TensorFlow does: what is odd goes behind, and a stride that fits wants nothing in front", () => {
    const padding = (sideIn: number, kernel: number, stride: number) =>
      samePadding({ sideIn, sideOut: Math.ceil(sideIn / stride), kernel, stride });
    expect(padding(224, 3, 2)).toEqual([0, 1]);
    expect(padding(14, 5, 2)).toEqual([1, 2]);
    expect(padding(7, 5, 2)).toEqual([2, 2]);
    expect(padding(56, 3, 1)).toEqual([1, 1]);
    expect(padding(7, 1, 1)).toEqual([0, 0]);
  });

  const faults: [string, Partial<ConvTower>, RegExp][] = [
    [
      "a residual block that changes its channels",
      { blocks: smallTower.blocks.map((block) => ({ ...block, isResidual: true })) },
      /block 0 is residual/,
    ],
    ["a kernel without a middle", { stem: { ...smallTower.stem, kernel: 4 } }, /even side/],
    ["a tap behind the last block", { tap: { block: 3, unshuffle: 2 } }, /no block 3 to tap/],
    ["a tap of another grid", { tap: { block: 1, unshuffle: 3 } }, /6 places .* not 3 times 3/],
    ["a view that its cells do not divide", { imageSize: 11 }, /3 cells do not divide 11/],
  ];
  test.each(faults)("with %s cannot be computed, and says why", (_, change, words) => {
    expect(convTowerFault(smallTower)).toBeUndefined();
    expect(convTowerFault({ ...smallTower, ...change })).toMatch(words);
  });
});
