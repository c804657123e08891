import {
  type Q4Block,
  Q8_BLOCK,
  STANDARD_Q4_BLOCK,
  type StageLayout,
  type TensorEntry,
} from "#domain/bundle.ts";
import type { Graph, Value } from "./build.ts";
import type { OpProfile } from "./profile.ts";

/** Largest magnitude of a signed 8-bit activation; −128 is left unused so that the range is symmetric. */
const INT8_LIMIT = 127;

/** Stands for zero in unsigned 8-bit numbers. */
const UINT8_MIDDLE = 128;

/** Keeps the scale of an all-zero row above zero: the smallest normal float32. Its quotients are zero whatever it is. */
const SMALLEST_SCALE = 1.1754943508222875e-38;

/** The weights of one stage as values of one graph. */
export interface StageWeights {
  readonly graph: Graph;
  readonly stage: StageLayout;
  readonly profile: OpProfile;
  /** The stage's place among those of a graph of several; the only one's if absent. */
  readonly file?: number;
}

/**
 * x Wᵀ (+ b): applies the linear `name`.weight, with its bias where the stage has one. x [..., in] → [..., out].
 * Without a name it is the stage's only one, `weight`.
 */
export function linear(weights: StageWeights, x: Value, name?: string): Value {
  const prefix = name === undefined ? "" : `${name}.`;
  const product = multiply(weights, x, tensorEntry(weights.stage, `${prefix}weight`));
  if (!hasTensor(weights.stage, `${prefix}bias`)) return product;
  return weights.graph.node("Add", [product, plain(weights, `${prefix}bias`)]);
}

/**
 * A tensor that is used as it is, as float32 in its logical shape. Throws if it is stored in a linear's encoding.
 * Here and in the linears float16 is widened in the graph: the CPU kernels compute in float32 only, and the runtime folds a Cast of
 * weights away when the session is made and lets the float16 numbers go.
 */
export function plain({ graph, stage, file }: StageWeights, name: string): Value {
  const { shape, encoding, data } = tensorEntry(stage, name);
  if (encoding === "f32") return graph.weight(name, "FLOAT", shape, data, file);
  if (encoding === "f16")
    return graph.cast(graph.weight(name, "FLOAT16", shape, data, file), "FLOAT");
  throw new Error(`stage ${stage.name}: ${name} is stored as ${encoding}, expected f32 or f16`);
}

/** Finds a tensor of a stage. Throws an Error that names both if it is missing: the bundle is not of this architecture. */
export function tensorEntry(stage: StageLayout, name: string): TensorEntry {
  const entry = stage.tensors.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`stage ${stage.name} has no tensor ${name}`);
  return entry;
}

function hasTensor(stage: StageLayout, name: string): boolean {
  return stage.tensors.some((candidate) => candidate.name === name);
}

/** x Wᵀ with one linear's weights, or a part of them that is laid out as a whole. */
export function multiply(weights: StageWeights, x: Value, entry: TensorEntry): Value {
  const { graph, profile, file } = weights;
  const [rows, columns] = linearSize(entry);
  switch (entry.encoding) {
    case "f32t":
      return graph.node("MatMul", [
        x,
        graph.weight(entry.name, "FLOAT", [columns, rows], entry.data, file),
      ]);
    case "f16t": {
      const half = graph.weight(entry.name, "FLOAT16", [columns, rows], entry.data, file);
      if (profile.activations === "FLOAT")
        return graph.node("MatMul", [x, graph.cast(half, "FLOAT")]);
      return inHalves(graph, x, (halves) => graph.node("MatMul", [halves, half]));
    }
    case "w8":
    case "w7":
      return multiplyPerRowInt8(weights, x, entry);
    case "q4":
      return multiplyBlocks(weights, x, entry, 4, q4Block(weights, entry));
    case "q8u":
      return multiplyBlocks(weights, x, entry, 8, Q8_BLOCK);
    default:
      throw new Error(
        `${entry.name} is stored as ${entry.encoding}, which is no linear's encoding`,
      );
  }
}

/**
 * Quantises each row of x to 8 bits with its own scale, multiplies in integers, and scales back by row and column.
 *
 * One scale per row because one for the whole tensor lets a single outlier row ruin all others: measured error 0.09–0.12
 * against 0.54–0.60, at the same speed. Activations are unsigned around 128 because the runtime has no fast kernel for signed
 * ones: measured 273 against 20 ms for 32 rows of 4096 × 12288 (native), 1064 against 82 ms (wasm), one thread each.
 *
 * Linears of the same x share its quantisation: the runtime computes equal nodes once. MatMulIntegerToFloat scales columns while
 * the sums are in the cache; as MatMulInteger, Cast and Mul they went through memory three times more.
 */
function multiplyPerRowInt8(weights: StageWeights, x: Value, entry: TensorEntry): Value {
  const { graph, profile, stage, file } = weights;
  if (profile.int8Weights === "none") {
    throw new Error(
      `stage ${stage.name} is stored in ${entry.encoding === "w7" ? "w7a8" : "w8a8"}, a format for CPUs: ` +
        "this provider multiplies no integers; convert the model with --format q8 or q4",
    );
  }
  const [rows] = linearSize(entry);
  const scales = scalesOf(entry);
  const columnScales = graph.weight(`${entry.name}.scales`, "FLOAT", [rows], scales, file);
  const middle = graph.cast(graph.integers([UINT8_MIDDLE], []), "UINT8");
  const lastAxis = graph.integers([-1]);
  // [..., 1]; two reductions read x twice, the largest of Abs would also write it once.
  const rowMaximum = graph.node("Max", [
    graph.node("ReduceMax", [x, lastAxis]),
    graph.node("Neg", [graph.node("ReduceMin", [x, lastAxis])]),
  ]);
  const rowScale = graph.node("Max", [
    graph.node("Mul", [rowMaximum, graph.floats([1 / INT8_LIMIT], [])]),
    graph.floats([SMALLEST_SCALE], []),
  ]);
  // Rounds half to even; a Cast would cut off.
  const quantised = graph.node("QuantizeLinear", [
    graph.node("Div", [x, rowScale]),
    graph.floats([1], []),
    middle,
  ]);
  const { data, zeroPoint } = int8Weights(weights, entry, middle);
  const one = graph.floats([1], []);
  const product = graph.node(
    "MatMulIntegerToFloat",
    [quantised, data, one, columnScales, middle, ...zeroPoint],
    { domain: "com.microsoft" },
  );
  return graph.node("Mul", [product, rowScale]);
}

/** The weights [in, out], and their zero point if they have one, in the form that the provider multiplies without saturating. */
function int8Weights(
  { graph, profile, file }: StageWeights,
  entry: TensorEntry,
  middle: Value,
): { readonly data: Value; readonly zeroPoint: readonly Value[] } {
  const [rows, columns] = linearSize(entry);
  const shape = [columns, rows];
  if (entry.encoding === "w7" || profile.int8Weights === "signed") {
    return { data: graph.weight(entry.name, "INT8", shape, entry.data, file), zeroPoint: [] };
  }
  // Flipping the top bit adds 128. The runtime folds this when the session is made.
  const bytes = graph.weight(entry.name, "UINT8", shape, entry.data, file);
  return { data: graph.node("BitwiseXor", [bytes, middle]), zeroPoint: [middle] };
}

/** The block of a q4 linear. Throws an Error that says what to do where the provider does not take it. */
function q4Block({ profile }: StageWeights, { name, block }: TensorEntry): Q4Block {
  const own = block ?? STANDARD_Q4_BLOCK;
  if (profile.q4Blocks.includes(own)) return own;
  throw new Error(
    `${name} is q4 in blocks of ${own}; this provider takes blocks of ${profile.q4Blocks.join(", ")}: ` +
      "convert the model with another --block or --format",
  );
}

/** Multiplies with weights in blocks that share a scale. On a CPU 8 bits want accuracy 4: at 0 they take 20 to 100 times as long. */
function multiplyBlocks(
  { graph, profile, file }: StageWeights,
  x: Value,
  entry: TensorEntry,
  bits: 4 | 8,
  block: number,
): Value {
  const [rows, columns] = linearSize(entry);
  const blocks = Math.ceil(columns / block);
  const shape = [rows, blocks, (block * bits) / 8];
  const data = graph.weight(entry.name, "UINT8", shape, entry.data, file);
  const place = scalesOf(entry);
  const halves = graph.weight(`${entry.name}.scales`, "FLOAT16", [rows * blocks], place, file);
  const attributes = {
    K: columns,
    N: rows,
    bits,
    block_size: block,
    accuracy_level: profile.matMulNBitsAccuracy,
  };
  const product = (from: Value, scales: Value): Value =>
    graph.node("MatMulNBits", [from, data, scales], { domain: "com.microsoft", attributes });
  if (profile.activations === "FLOAT") return product(x, graph.cast(halves, "FLOAT"));
  return inHalves(graph, x, (from) => product(from, halves));
}

/** The largest finite float16. */
const LARGEST_HALF = 65_504;

/**
 * Rounds x to float16 for one product and widens what comes of it: linears of the same x share the rounding. What is larger than a
 * float16 can be is cut, because one infinite number would make its whole row none.
 */
function inHalves(graph: Graph, x: Value, product: (x: Value) => Value): Value {
  const end = (value: number): Value => graph.floats([value], []);
  const cut = graph.node("Clip", [x, end(-LARGEST_HALF), end(LARGEST_HALF)]);
  return graph.cast(product(graph.cast(cut, "FLOAT16")), "FLOAT");
}

export function linearSize(entry: TensorEntry): readonly [rows: number, columns: number] {
  const [rows, columns] = entry.shape;
  if (rows === undefined || columns === undefined || entry.shape.length !== 2) {
    throw new Error(`${entry.name} has shape [${entry.shape.join(", ")}], expected [out, in]`);
  }
  return [rows, columns];
}

/** Where the scales of a tensor lie. Throws for an encoding that has none. */
export function scalesOf(entry: TensorEntry): NonNullable<TensorEntry["scales"]> {
  if (entry.scales === undefined)
    throw new Error(`${entry.name} (${entry.encoding}) has no scales`);
  return entry.scales;
}
