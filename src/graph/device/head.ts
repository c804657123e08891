import type { Architecture } from "#domain/architecture.ts";
import type { StageLayout, TensorEntry } from "#domain/bundle.ts";
import { createGraph, type Graph, type Value } from "../build.ts";
import { linearSize, multiply, type StageWeights, tensorEntry } from "../linear.ts";
import { rmsNorm } from "../norm.ts";
import type { OpProfile } from "../profile.ts";
import { DEVICE_NEVER, isAt, reduce, rowSearch } from "./row-search.ts";

/** A logit so far below the largest has the probability 0 in float32. */
const FAR_BELOW = -1000;

/** What the head says of each row, in the order of the columns of `numbers`. */
export const deviceNumbers = [
  "tokens",
  "chosenLogits",
  "maxLogits",
  "runnerUpLogits",
  "tails",
  "slopes",
] as const;

/** Parts of the head's outputs are a multiple of this many: what the kernels for tensor cores take (ONNX Runtime 1.30). */
const PART_STEP = 64;

/**
 * The head in the form for devices: the same decisions as `headGraph`, of which six numbers a row leave the device.
 *
 *   in   hidden [B, Q, D] · rows [R] int32, the places in it that are asked · guidance [] · suppression [C, V], 0 or DEVICE_NEVER
 *        classes [R] int32, which of its rows, or [1] for one and the same · noise [R, V], or [1, 1] holding 0 for none
 *   out  numbers [R, 6], see `deviceNumbers`; tokens are whole numbers below 2²⁴, which float32 holds exactly
 *        allowed [R, V], the logits after suppression: for `askedGraph` and `bestGraph`, and never to leave the device
 *        observed only: normed [B, R, D], logits [R, V] before suppression
 *
 * In ties the lowest place counts. On WebGPU it is found by masking: TopK over 126,464 columns takes seconds there, and ArgMax
 * yields 64-bit numbers, which no shader has.
 */
export function deviceHeadGraph(
  architecture: Architecture,
  stage: StageLayout,
  profile: OpProfile,
  isObserved: boolean,
): Uint8Array<ArrayBuffer> {
  const { language, logitsColumns } = architecture;
  const width = language.hiddenSize;
  const graph = createGraph("device-head");
  const weights = { graph, stage, profile };
  const hidden = graph.input("hidden", "FLOAT", ["B", "Q", width]);
  const rows = graph.input("rows", "INT32", ["R"]);
  const asked = graph.node("Gather", [hidden, rows], { attributes: { axis: 1 } });
  const normed = rmsNorm(weights, asked, "norm", language.rmsNormEpsilon);
  const stored = logitsOf(weights, guide(graph, normed, width));
  const logits =
    logitsColumns === language.vocabSize ? stored : slice(graph, stored, 0, logitsColumns, -1);
  if (isObserved) {
    graph.output("normed", normed, "FLOAT", ["B", "R", width]);
    graph.output("logits", logits, "FLOAT", ["R", logitsColumns]);
  }
  const suppression = graph.input("suppression", "FLOAT", ["C", logitsColumns]);
  const classes = graph.input("classes", "INT32", ["classRows"]);
  const allowed = graph.node("Add", [logits, graph.node("Gather", [suppression, classes])]);
  const numbers = choose(weights, allowed, logitsColumns);
  graph.output("numbers", numbers, "FLOAT", ["R", deviceNumbers.length]);
  graph.output("allowed", allowed, "FLOAT", ["R", logitsColumns]);
  return graph.toBytes();
}

/** See `guide` of `headGraph`. [B, R, D] → [R, D]. */
function guide(graph: Graph, normed: Value, width: number): Value {
  const scale = graph.input("guidance", "FLOAT", []);
  const branch = (from: number, to: number): Value =>
    graph.node("Reshape", [slice(graph, normed, from, to, 0), graph.integers([-1, width])]);
  const conditional = branch(0, 1);
  const unconditional = branch(-1, 2 ** 31 - 1);
  const difference = graph.node("Sub", [conditional, unconditional]);
  return graph.node("Add", [unconditional, graph.node("Mul", [difference, scale])]);
}

/** x Wᵀ in as many parts as the device wants, [R, vocabSize]. */
function logitsOf(weights: StageWeights, x: Value): Value {
  const { graph, profile, stage } = weights;
  const entry = tensorEntry(stage, "weight");
  const [outputs, inputs] = linearSize(entry);
  const count = Math.ceil(entry.data.bytes / profile.weightBytes);
  if (count <= 1) return multiply(weights, x, entry);
  if (entry.encoding === "f32t" || entry.encoding === "f16t") {
    // Rows of the transposed weights lie together: each part takes some of the inputs, and the parts add up.
    const parts = partsOf(inputs, count).map(({ from, to }) =>
      multiply(weights, slice(graph, x, from, to, -1), {
        ...part(entry, from, to, inputs),
        shape: [outputs, to - from],
      }),
    );
    return parts.reduce((sum, each) => graph.node("Add", [sum, each]));
  }
  const parts = partsOf(outputs, count).map(({ from, to }) =>
    multiply(weights, x, { ...part(entry, from, to, outputs), shape: [to - from, inputs] }),
  );
  return graph.node("Concat", parts, { attributes: { axis: -1 } });
}

function partsOf(size: number, count: number): readonly { from: number; to: number }[] {
  const step = Math.ceil(size / count / PART_STEP) * PART_STEP;
  return Array.from({ length: Math.ceil(size / step) }, (_, index) => ({
    from: index * step,
    to: Math.min(size, (index + 1) * step),
  }));
}

/** The rows `from` … `to` − 1 of `size` as they are stored, as a tensor of its own. */
function part(entry: TensorEntry, from: number, to: number, size: number): TensorEntry {
  const range = (whole: TensorEntry["data"]): TensorEntry["data"] => {
    const bytes = whole.bytes / size;
    return { offset: whole.offset + from * bytes, bytes: (to - from) * bytes };
  };
  const { scales } = entry;
  const own = scales === undefined ? {} : { scales: range(scales) };
  return { ...entry, name: `${entry.name} from ${from}`, data: range(entry.data), ...own };
}

/** [R, V] → [R, 6]. */
function choose({ graph, profile }: StageWeights, allowed: Value, columns: number): Value {
  const noise = graph.input("noise", "FLOAT", ["noiseRows", "noiseColumns"]);
  const never = graph.floats([DEVICE_NEVER], []);
  const rows = rowSearch(graph, profile, columns, never);
  const { value: maximum, place: best } = rows.top(allowed); // [R, 1], as all that follow
  const token = rows.placeOfLargest(graph.node("Add", [allowed, noise]));
  // Without its largest term the sum keeps its digits even where the answer is all but certain.
  const others = graph.node("Where", [isAt(graph, columns, rows.asFloat(best)), never, allowed]);
  const below = graph.node("Sub", [others, maximum]);
  const terms = graph.node("Exp", [below]);
  const finite = graph.node("Max", [below, graph.floats([FAR_BELOW], [])]);
  const numbers: Readonly<Record<(typeof deviceNumbers)[number], Value>> = {
    tokens: rows.asFloat(token),
    chosenLogits: rows.at(allowed, token),
    maxLogits: maximum,
    runnerUpLogits: rows.largest(others),
    tails: reduce(graph, "ReduceSum", terms),
    slopes: reduce(graph, "ReduceSum", graph.node("Mul", [terms, finite])),
  };
  return graph.node(
    "Concat",
    deviceNumbers.map((name) => numbers[name]),
    { attributes: { axis: -1 } },
  );
}

function slice(graph: Graph, x: Value, from: number, to: number, axis: number): Value {
  return graph.node("Slice", [
    x,
    graph.integers32([from]),
    graph.integers32([to]),
    graph.integers32([axis]),
  ]);
}
