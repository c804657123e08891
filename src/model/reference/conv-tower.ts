import {
  type Convolution,
  type ConvTower,
  cellsPerSide,
  evidenceWidth,
  samePadding,
  trunkOf,
} from "#domain/conv-tower.ts";
import { add, linear, type Rows, type WeightLookup, weightOf } from "./arithmetic.ts";
import { softmax } from "./attention.ts";

/** What a tower of convolutions makes of one view, and what its evidence was read from: rows are cells, row by row. */
export interface ConvTowerResult {
  readonly map: Rows;
  readonly tap: Rows;
  readonly colors: Rows;
  /** One row more, of the whole picture. */
  readonly features: Rows;
}

/**
 * A tower of convolutions over one view, given as rows of its pixels [S², 3], row by row.
 * Source: lite0.py and evidence.py of infra/demo-model/photographs.
 */
export function convTower(weights: WeightLookup, tower: ConvTower, pixels: Rows): ConvTowerResult {
  const { stem, blocks, head } = trunkOf(tower);
  let x = convolve(weights, pixels, stem);
  let tapped = x;
  for (const [index, { convolutions, isResidual }] of blocks.entries()) {
    const left = convolutions.reduce((map, each) => convolve(weights, map, each), x);
    x = isResidual ? add(x, left) : left;
    if (index === tower.tap.block) tapped = x;
  }
  const map = convolve(weights, x, head);
  const tap = unshuffle(tapped, tower.tap.unshuffle);
  const colors = colorsOf(pixels, cellsPerSide(tower));
  return { map, tap, colors, features: evidence(weights, tower, { map, tap, colors }) };
}

/** A convolution with SAME padding, bias, and ReLU6 where it is clipped. Maps are rows of their places. */
function convolve(weights: WeightLookup, x: Rows, convolution: Convolution): Rows {
  const { name, inputs, outputs, kernel, stride, isDepthwise, sideIn, sideOut } = convolution;
  const filters = weightOf(weights, `${name}.weight`); // [out, in or 1, k, k]
  const bias = weightOf(weights, `${name}.bias`);
  const [before] = samePadding(convolution);
  const data = new Float64Array(sideOut ** 2 * outputs);
  for (let place = 0; place < sideOut ** 2; place++) {
    const [top, left] = [Math.floor(place / sideOut), place % sideOut].map((at) => at * stride);
    for (let output = 0; output < outputs; output++) {
      const seen = isDepthwise ? [output] : Array.from({ length: inputs }, (_, input) => input);
      let sum = bias[output]!;
      for (const [index, input] of seen.entries()) {
        for (let tap = 0; tap < kernel ** 2; tap++) {
          const row = top! - before + Math.floor(tap / kernel);
          const column = left! - before + (tap % kernel);
          if (row < 0 || column < 0 || row >= sideIn || column >= sideIn) continue;
          const weight = filters[(output * seen.length + index) * kernel ** 2 + tap]!;
          sum += weight * x.data[(row * sideIn + column) * inputs + input]!;
        }
      }
      const value = convolution.isClipped ? Math.min(Math.max(sum, 0), 6) : sum;
      data[place * outputs + output] = value;
    }
  }
  return { width: outputs, data };
}

/** Squares of `by` × `by` places become one, channel by channel. */
function unshuffle(x: Rows, by: number): Rows {
  const side = Math.sqrt(x.data.length / x.width);
  const [cells, width] = [side / by, x.width * by ** 2];
  const data = new Float64Array(x.data.length);
  for (const [index, value] of x.data.entries()) {
    const [place, channel] = [Math.floor(index / x.width), index % x.width];
    const [row, column] = [Math.floor(place / side), place % side];
    const cell = Math.floor(row / by) * cells + Math.floor(column / by);
    data[cell * width + channel * by ** 2 + (row % by) * by + (column % by)] = value;
  }
  return { width, data };
}

/** Mean and deviation of each colour in each cell. */
function colorsOf(pixels: Rows, cells: number): Rows {
  const side = Math.sqrt(pixels.data.length / 3);
  const across = side / cells;
  const data = new Float64Array(cells ** 2 * 6);
  for (let cell = 0; cell < cells ** 2; cell++) {
    for (let color = 0; color < 3; color++) {
      const values = Array.from({ length: across ** 2 }, (_, index) => {
        const row = Math.floor(cell / cells) * across + Math.floor(index / across);
        return pixels.data[(row * side + (cell % cells) * across + (index % across)) * 3 + color]!;
      });
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const square = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
      data[cell * 6 + color] = mean;
      data[cell * 6 + 3 + color] = Math.sqrt(Math.max(square - mean ** 2, 0));
    }
  }
  return { width: 6, data };
}

function evidence(
  weights: WeightLookup,
  tower: ConvTower,
  cells: Pick<ConvTowerResult, "map" | "tap" | "colors">,
): Rows {
  const { concepts, energyScale } = tower.evidence;
  const own = (name: string): Float32Array => weightOf(weights, `evidence.${name}`);
  const map = rowsOf(cells.map);
  const tap = rowsOf(cells.tap);
  const colors = rowsOf(cells.colors);
  for (const rows of [map, tap, colors]) rows.push(meanOf(rows));
  const under =
    (name: string): WeightLookup =>
    (part) =>
      weights(`evidence.${name}${part}`);
  const known = map.map((row) => {
    const sure = softmax([...linear(under("class_"), { width: row.length, data: row }).data]);
    return Array.from({ length: concepts }, (_, thing) =>
      sure.reduce((sum, p, index) => sum + p * own("mapping")[index * concepts + thing]!, 0),
    );
  });
  const surest = Math.max(...known.at(-1)!) ** 2;
  const where = own("where");
  const features = known.map((things, row) => {
    const standard = [
      ...standardised(map[row]!, own("map_mean"), own("map_std")),
      ...standardised(tap[row]!, own("tap_mean"), own("tap_std")),
    ];
    const first = linear(under("first."), {
      width: standard.length,
      data: Float64Array.from(standard),
    });
    const hidden = { width: first.width, data: first.data.map((value) => Math.max(value, 0)) };
    const logits = [...linear(under("second."), hidden).data];
    const tempered = row === known.length - 1 ? things : things.map((value) => value * surest);
    const mass = tempered.reduce((sum, value) => sum + value, 0);
    const rest = softmax(logits).map((p) => (1 - mass) * p);
    const energy = logSumExp(logits.slice(1, concepts + 1)) * energyScale;
    return [
      ...tempered.map((value, thing) => value + rest[thing + 1]!),
      ...[rest[0]!, rest[concepts + 1]!, Math.log(mass + 1e-6), energy],
      ...colors[row]!,
      ...where.subarray(row * 3, row * 3 + 3),
    ];
  });
  return { width: evidenceWidth(tower), data: Float64Array.from(features.flat()) };
}

function rowsOf({ width, data }: Rows): Float64Array[] {
  return Array.from({ length: data.length / width }, (_, row) =>
    data.slice(row * width, (row + 1) * width),
  );
}

function meanOf(rows: readonly Float64Array[]): Float64Array {
  const [first = new Float64Array()] = rows;
  return first.map((_, k) => rows.reduce((sum, row) => sum + row[k]!, 0) / rows.length);
}

function standardised(row: Float64Array, mean: Float32Array, deviation: Float32Array): number[] {
  return [...row].map((value, k) => (value - mean[k]!) / deviation[k]!);
}

function logSumExp(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
