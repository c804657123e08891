import { type ConvTower, cellsPerSide } from "#domain/conv-tower.ts";
import type { Value } from "../build.ts";
import { plain, type StageWeights } from "../linear.ts";
import { byKernel, kernel } from "./kernel.ts";

/** What the trunk saw in each cell, P rows each. */
export interface SeenCells {
  /** [1, P, C] of the last map. */
  readonly map: Value;
  /** [1, P, T] of the tap. */
  readonly tap: Value;
  /** [1, P, 6]: mean and deviation of each colour. */
  readonly colors: Value;
}

/** Keeps the logarithm of no mass at all finite. Source: evidence.py. */
const LEAST_MASS = 1e-6;

/**
 * The tower's second half: how much each cell, and in the last row the whole picture, speaks for each thing [1, P + 1, features].
 *
 * With S the classifier's classes summed by thing and p the reader's softmax, the gate is S + (1 − ΣS) p. In a cell S counts by the
 * square of its largest value for the whole picture. Source: Evidence.forward in infra/demo-model/photographs/evidence.py.
 */
export function evidence(weights: StageWeights, tower: ConvTower, cells: SeenCells): Value {
  const { graph } = weights;
  const { concepts, energyScale } = tower.evidence;
  const count = cellsPerSide(tower) ** 2;
  const [map, tap, colors] = [cells.map, cells.tap, cells.colors].map((rows) =>
    withWhole(weights, rows, count),
  ) as [Value, Value, Value];
  const logits = readerLogits(weights, map, tap); // [1, P + 1, 1 + concepts + 1]
  const things = { from: 1, to: concepts + 1 };
  const known = tempered(weights, summedClasses(weights, map), count);
  const mass = sum(weights, known);
  const rest = graph.node("Mul", [
    graph.node("Sub", [graph.floats([1], []), mass]),
    softmax(weights, logits),
  ]);
  const gated = graph.node("Add", [known, part(weights, rest, things)]);
  const logMass = graph.node("Log", [graph.node("Add", [mass, graph.floats([LEAST_MASS], [])])]);
  const energy = logSumExp(weights, part(weights, logits, things));
  const where = graph.node("Reshape", [
    plain(weights, "evidence.where"),
    graph.integers([1, count + 1, 3]),
  ]);
  const features = [
    gated,
    part(weights, rest, { from: 0, to: 1 }),
    part(weights, rest, { from: concepts + 1, to: concepts + 2 }),
    logMass,
    graph.node("Mul", [energy, graph.floats([energyScale], [])]),
    colors,
    where,
  ];
  return graph.node("Concat", features, { attributes: { axis: -1 } });
}

/** The rows and, behind them, their mean. A product with a row of 1 / P: CUDA's ReduceMean is cuDNN's. */
function withWhole({ graph }: StageWeights, rows: Value, count: number): Value {
  const share = graph.floats(Array<number>(count).fill(1 / count), [1, 1, count]);
  const mean = graph.node("MatMul", [share, rows]);
  return graph.node("Concat", [rows, mean], { attributes: { axis: 1 } });
}

function readerLogits(weights: StageWeights, map: Value, tap: Value): Value {
  const { graph } = weights;
  const standard = (x: Value, name: string): Value =>
    graph.node("Div", [
      graph.node("Sub", [x, plain(weights, `evidence.${name}_mean`)]),
      plain(weights, `evidence.${name}_std`),
    ]);
  const both = graph.node("Concat", [standard(map, "map"), standard(tap, "tap")], {
    attributes: { axis: -1 },
  });
  const hidden = graph.node("Relu", [biased(weights, both, "evidence.first")]);
  return biased(weights, hidden, "evidence.second");
}

function biased(weights: StageWeights, x: Value, name: string): Value {
  const product = byKernel(weights, x, `${name}.weight`);
  return weights.graph.node("Add", [product, plain(weights, `${name}.bias`)]);
}

/** The classifier's probabilities, summed by thing. */
function summedClasses(weights: StageWeights, map: Value): Value {
  const { graph } = weights;
  const logits = graph.node("Add", [
    byKernel(weights, map, "evidence.class_weight"),
    plain(weights, "evidence.class_bias"),
  ]);
  return graph.node("MatMul", [softmax(weights, logits), kernel(weights, "evidence.mapping")]);
}

/** What is known in the cells, by how sure the classifier is of the whole; what is known of the whole as it is. */
function tempered(weights: StageWeights, known: Value, count: number): Value {
  const { graph } = weights;
  const rows = (from: number, to: number): Value =>
    graph.node("Slice", [known, ...[[from], [to], [1]].map((at) => graph.integers(at))]);
  const whole = rows(count, count + 1);
  const surest = largest(weights, whole);
  const cells = graph.node("Mul", [rows(0, count), graph.node("Mul", [surest, surest])]);
  return graph.node("Concat", [cells, whole], { attributes: { axis: 1 } });
}

function part(
  { graph }: StageWeights,
  x: Value,
  { from, to }: { readonly from: number; readonly to: number },
): Value {
  return graph.node("Slice", [x, ...[[from], [to], [-1]].map((at) => graph.integers(at))]);
}

function softmax({ graph }: StageWeights, x: Value): Value {
  return graph.node("Softmax", [x], { attributes: { axis: -1 } });
}

function sum({ graph }: StageWeights, x: Value): Value {
  return graph.node("ReduceSum", [x, graph.integers([-1])], { attributes: { keepdims: 1 } });
}

function logSumExp(weights: StageWeights, x: Value): Value {
  const { graph } = weights;
  const most = largest(weights, x);
  const terms = graph.node("Exp", [graph.node("Sub", [x, most])]);
  return graph.node("Add", [graph.node("Log", [sum(weights, terms)]), most]);
}

/** The largest of each row [..., 1], in the provider's form. */
function largest({ graph, profile }: StageWeights, x: Value): Value {
  if (profile.largest === "reduce") {
    return graph.node("ReduceMax", [x, graph.integers([-1])], { attributes: { keepdims: 1 } });
  }
  const place = graph.node("ArgMax", [x], { attributes: { axis: -1, keepdims: 1 } });
  return graph.node("GatherElements", [x, place], { attributes: { axis: -1 } });
}
