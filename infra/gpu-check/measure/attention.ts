import { type Tensor, tensor } from "#domain/tensor.ts";
import { floats } from "#engine/engine-parts.ts";
import type { Session } from "#engine/runtime/runtime.ts";
import { createGraph } from "#graph/build.ts";
import {
  type Bench,
  type Measure,
  option,
  random,
  relativeError,
  rounded,
  shortest,
} from "./measure.ts";
import { openRuntime } from "./runtimes.ts";

/** Query rows that were right, and those at which the fused operator was wrong, on software Vulkan with 1.30. */
const ROWS = [24, 32, 64, 1032];
const KEYS = 1032;
const SMALL_KEYS = 100;
const HEAD_SIZE = 128;

/** Rounding stays below; the faults seen were 4 % and more. */
const TOLERANCE = 1e-3;

/** Attention without a mask, over as many keys as a prompt and its canvas have: the fused operator, or the products that the engine makes it from. */
export const attention: Measure = async (bench) => {
  const { order, begin, tell } = bench;
  const form = option(order, "form");
  const [heads, keys] = order.small ? [1, SMALL_KEYS] : [32, KEYS];
  const model = form === "fused" ? fusedModel(heads) : splitModel(heads);
  const session = await open(bench.order.provider, model);
  const plain = await open("cpu", model);
  for (const rows of ROWS) {
    begin(`${form}, ${rows} rows`);
    const inputs = inputsOf(form, heads, keys, rows);
    const { y } = await session.run(inputs, ["y"]);
    const expected = await plain.run(inputs, ["y"]);
    const error = relativeError(floats(y).data, floats(expected["y"]).data);
    const ms = await shortest(bench, 5, () => session.run(inputs, ["y"]));
    tell({ form, rows, right: error < TOLERANCE, error: rounded(error), ms: rounded(ms) });
  }
};

async function open(provider: Bench["order"]["provider"], model: Uint8Array): Promise<Session> {
  return await (await openRuntime(provider)).createSession("attention", model, new Uint8Array(64));
}

function fusedModel(heads: number): Uint8Array {
  const graph = createGraph("fused");
  const width = heads * HEAD_SIZE;
  const query = graph.input("query", "FLOAT", [1, "M", width]);
  const key = graph.input("key", "FLOAT", [1, "S", width]);
  const value = graph.input("value", "FLOAT", [1, "S", width]);
  const y = graph.node("MultiHeadAttention", [query, key, value], {
    domain: "com.microsoft",
    attributes: { num_heads: heads },
  });
  graph.output("y", y, "FLOAT", [1, "M", width]);
  return graph.toBytes();
}

function splitModel(heads: number): Uint8Array {
  const graph = createGraph("split");
  const query = graph.input("query", "FLOAT", [1, heads, "M", HEAD_SIZE]);
  const key = graph.input("key", "FLOAT", [1, heads, "S", HEAD_SIZE]);
  const value = graph.input("value", "FLOAT", [1, heads, "S", HEAD_SIZE]);
  const turned = graph.node("Transpose", [key], { attributes: { perm: [0, 1, 3, 2] } });
  const scores = graph.node("MatMul", [query, turned]);
  const scaled = graph.node("Mul", [scores, graph.floats([1 / Math.sqrt(HEAD_SIZE)])]);
  const weights = graph.node("Softmax", [scaled], { attributes: { axis: -1 } });
  const y = graph.node("MatMul", [weights, value]);
  graph.output("y", y, "FLOAT", [1, heads, "M", HEAD_SIZE]);
  return graph.toBytes();
}

function inputsOf(form: string, heads: number, keys: number, rows: number): Record<string, Tensor> {
  const shape = (length: number): number[] =>
    form === "fused" ? [1, length, heads * HEAD_SIZE] : [1, heads, length, HEAD_SIZE];
  const some = (length: number, seed: number): Tensor =>
    tensor(shape(length), random(length * heads * HEAD_SIZE, seed));
  return { query: some(rows, 1), key: some(keys, 2), value: some(keys, 3) };
}
