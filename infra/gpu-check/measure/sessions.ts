import { tensor } from "#domain/tensor.ts";
import { floats } from "#engine/engine-parts.ts";
import { createGraph } from "#graph/build.ts";
import { type Measure, rounded } from "./measure.ts";
import { openRuntime, openRuntimeOffThread } from "./runtimes.ts";

/** What the line about them is called. */
export const F16 = "16-bit floats";

const RUNS = 300;
const NO_BYTES = new Uint8Array(64);

/** Whether the provider can make a session here and gives right numbers, and whether it has 16-bit floats. */
export const provider: Measure = async ({ order, begin, tell }) => {
  begin("a session");
  const startedMs = performance.now();
  const runtime = await openRuntime(order.provider);
  const double = createGraph("double");
  const x = double.input("x", "FLOAT", ["M", 8]);
  double.output("y", double.node("Add", [x, x]), "FLOAT", ["M", 8]);
  const session = await runtime.createSession("double", double.toBytes(), NO_BYTES.slice());
  const ones = tensor([2, 8], new Float32Array(16).fill(1.5));
  const { y } = await session.run({ x: ones }, ["y"]);
  const isRight = floats(y).data.every((value) => value === 3);
  const startMs = rounded(performance.now() - startedMs);
  tell({ what: "a session", works: isRight, startMs });

  begin(F16);
  const half = createGraph("half");
  const wide = half.input("x", "FLOAT", ["M", 8]);
  const narrow = half.cast(wide, "FLOAT16");
  half.output("y", half.cast(half.node("Add", [narrow, narrow]), "FLOAT"), "FLOAT", ["M", 8]);
  try {
    const inHalves = await runtime.createSession("half", half.toBytes(), NO_BYTES.slice());
    const sums = floats((await inHalves.run({ x: ones }, ["y"]))["y"]).data;
    tell({ what: F16, works: sums.every((value) => value === 3) });
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    tell({ what: F16, works: false, why: String(cause).split("\n")[0] ?? "" });
  }
};

/** What a run costs that computes nothing, on the caller's thread and on the engine's own. */
export const emptyRun: Measure = async ({ order, begin, tell, leftMs }) => {
  const graph = createGraph("empty");
  const x = graph.input("x", "FLOAT", ["M", 8]);
  graph.output("y", graph.node("Neg", [x]), "FLOAT", ["M", 8]);
  const input = { x: tensor([1, 8], new Float32Array(8)) };
  for (const [thread, load] of [
    ["caller's", openRuntime],
    ["own", openRuntimeOffThread],
  ] as const) {
    begin(`${thread} thread`);
    const runtime = await load(order.provider);
    const session = await runtime.createSession("empty", graph.toBytes(), NO_BYTES.slice());
    await session.run(input, ["y"]);
    let runs = 0;
    const startedMs = performance.now();
    for (; runs < RUNS && leftMs() > 5000; runs++) await session.run(input, ["y"]);
    tell({ thread, runs, perRunMs: rounded((performance.now() - startedMs) / runs) });
    await session.release();
    await runtime.close();
  }
};

/** Whether a tensor of length 0 ends the process: it did on WebGPU in 1.30, so that the engine feeds none there. */
export const nothing: Measure = async ({ order, begin, tell }) => {
  begin("a tensor of length 0");
  const graph = createGraph("nothing");
  const queries = graph.input("queries", "FLOAT", [2, "M", 8]);
  const keys = graph.input("keys", "FLOAT", [2, 8, "C"]);
  const values = graph.input("values", "FLOAT", [2, "C", 8]);
  const scores = graph.node("MatMul", [queries, keys]);
  const mixed = graph.node("MatMul", [
    graph.node("Softmax", [scores], { attributes: { axis: -1 } }),
    values,
  ]);
  graph.output("y", mixed, "FLOAT", [2, "M", 8]);
  const runtime = await openRuntime(order.provider);
  const session = await runtime.createSession("nothing", graph.toBytes(), NO_BYTES.slice());
  const none = new Float32Array(0);
  const inputs = {
    queries: tensor([2, 4, 8], new Float32Array(64)),
    keys: tensor([2, 8, 0], none),
    values: tensor([2, 0, 8], none),
  };
  await session.run(inputs, ["y"]);
  tell({ survives: true });
};
