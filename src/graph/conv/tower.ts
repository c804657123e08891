import type { StageLayout } from "#domain/bundle.ts";
import {
  type Convolution,
  type ConvTower,
  cellsPerSide,
  evidenceVectors,
  evidenceWidth,
  tapWidth,
  trunkOf,
} from "#domain/conv-tower.ts";
import { createGraph, type Graph, type Value } from "../build.ts";
import type { StageWeights } from "../linear.ts";
import type { OpProfile } from "../profile.ts";
import { evidence, type SeenCells } from "./evidence.ts";
import { type MapForm, mapFormOf } from "./map-form.ts";

/**
 * A tower of convolutions and its evidence.
 *
 *   in   views [1, 3, imageSize, imageSize]: one view at a time, so that every size is known
 *   out  features [1, P, D]: a vector a cell, row by row, and one for the whole picture
 *        observed only: map [1, P − 1, C], tap [1, P − 1, T], colors [1, P − 1, 6], what the evidence is read from
 *
 * Source: Lite0.forward and colors in infra/demo-model/photographs/lite0.py.
 */
export function convTowerGraph(
  tower: ConvTower,
  stage: StageLayout,
  profile: OpProfile,
  isObserved: boolean,
): Uint8Array<ArrayBuffer> {
  const graph = createGraph("conv-tower");
  const weights = { graph, stage, profile };
  const { imageSize } = tower;
  const views = graph.input("views", "FLOAT", [1, 3, imageSize, imageSize]);
  const cells = { ...trunk(weights, tower, views), colors: colorsOf(graph, tower, views) };
  if (isObserved) {
    const count = cellsPerSide(tower) ** 2;
    const widths = { map: tower.headChannels, tap: tapWidth(tower), colors: 6 };
    for (const name of observedCells) {
      graph.output(name, cells[name], "FLOAT", [1, count, widths[name]]);
    }
  }
  const shape = [1, evidenceVectors(tower), evidenceWidth(tower)];
  graph.output("features", evidence(weights, tower, cells), "FLOAT", shape);
  return graph.toBytes();
}

/** What a tower of convolutions shows beside its features when it is observed. */
export const observedCells: readonly (keyof SeenCells)[] = ["map", "tap", "colors"];

function trunk(
  weights: StageWeights,
  tower: ConvTower,
  views: Value,
): Pick<SeenCells, "map" | "tap"> {
  const { graph } = weights;
  const form = mapFormOf(weights);
  const { stem, blocks, head } = trunkOf(tower);
  let x = convolved(graph, form, form.enter(views), stem);
  let tap = x;
  for (const [index, { convolutions, isResidual }] of blocks.entries()) {
    const left = convolutions.reduce((map, each) => convolved(graph, form, map, each), x);
    x = isResidual ? graph.node("Add", [x, left]) : left;
    const last = convolutions.at(-1);
    if (index === tower.tap.block && last !== undefined) {
      tap = form.unshuffled(x, last.sideOut, last.outputs, tower.tap.unshuffle);
    }
  }
  const seen = convolved(graph, form, x, head);
  return { map: form.rows(seen, head.sideOut, head.outputs), tap };
}

function convolved(graph: Graph, form: MapForm, x: Value, convolution: Convolution): Value {
  const result = form.convolve(x, convolution);
  if (!convolution.isClipped) return result;
  return graph.node("Clip", [result, graph.floats([0], []), graph.floats([6], [])]);
}

/** Mean and deviation of each colour in each cell, in units of the view: [1, P, 6]. Sums, because CUDA's pools are cuDNN's. */
function colorsOf(graph: Graph, tower: ConvTower, views: Value): Value {
  const cells = cellsPerSide(tower);
  const side = tower.imageSize / cells;
  const split = graph.node("Reshape", [views, graph.integers([1, 3, cells, side, cells, side])]);
  const ordered = graph.node("Transpose", [split], { attributes: { perm: [0, 2, 4, 1, 3, 5] } });
  const pixels = graph.node("Reshape", [ordered, graph.integers([1, cells ** 2, 3, side ** 2])]);
  const mean = (values: Value): Value =>
    graph.node("Mul", [
      graph.node("ReduceSum", [values, graph.integers([-1])], { attributes: { keepdims: 0 } }),
      graph.floats([1 / side ** 2], []),
    ]); // [1, P, 3]
  const means = mean(pixels);
  const squares = mean(graph.node("Mul", [pixels, pixels]));
  // Rounding can leave less than nothing of a cell of one colour.
  const variance = graph.node("Max", [
    graph.node("Sub", [squares, graph.node("Mul", [means, means])]),
    graph.floats([0], []),
  ]);
  return graph.node("Concat", [means, graph.node("Sqrt", [variance])], {
    attributes: { axis: -1 },
  });
}
