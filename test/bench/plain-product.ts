import * as ort from "onnxruntime-node";
import type { LanguageTower } from "#domain/architecture.ts";
import { settleProfile } from "#engine/self-test/self-test.ts";
import { createGraph, stageFile, type Value } from "#graph/build.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";

/** Stands for zero in unsigned 8-bit numbers, as in the decoder's own products. */
const MIDDLE = 128;

/** Multiplies so many rows of bytes with every linear of one decoder layer: what a layer would take that did nothing else. */
export type Product = (rows: number) => () => Promise<void>;

/**
 * Opens MatMulIntegers of a layer's shapes: q, k, v, output, gate, up, down, each a graph of its own with random weights. The weights are signed
 * where this machine's kernel is exact with them, as the decoder's are.
 */
export async function openProduct(tower: LanguageTower): Promise<Product> {
  const { int8Weights } = await settleProfile(await loadRuntime("cpu"), "cpu");
  const { hiddenSize, heads, keyValueHeads, headSize, intermediateSize } = tower;
  const shapes = [
    [hiddenSize, heads * headSize],
    [hiddenSize, keyValueHeads * headSize],
    [hiddenSize, keyValueHeads * headSize],
    [heads * headSize, hiddenSize],
    [hiddenSize, intermediateSize],
    [hiddenSize, intermediateSize],
    [intermediateSize, hiddenSize],
  ] as const;
  const products = await Promise.all(
    shapes.map(async ([inputs, outputs]) => ({
      inputs,
      session: await openOne(inputs, outputs, int8Weights === "signed" ? "INT8" : "UINT8"),
    })),
  );
  return (rows) => {
    const fed = products.map(({ inputs, session }) => ({
      session,
      x: new ort.Tensor("uint8", bytes(rows * inputs), [rows, inputs]),
    }));
    return async () => {
      for (const { session, x } of fed) await session.run({ x }, ["y"]);
    };
  };
}

async function openOne(
  inputs: number,
  outputs: number,
  type: "INT8" | "UINT8",
): Promise<ort.InferenceSession> {
  const graph = createGraph("product");
  const x = graph.input("x", "UINT8", ["M", inputs]);
  const middle = graph.cast(graph.integers([MIDDLE], []), "UINT8");
  const weight = graph.weight("w", type, [inputs, outputs], { offset: 0, bytes: inputs * outputs });
  const zeros: Value[] = type === "INT8" ? [middle] : [middle, middle];
  const product = graph.node("MatMulInteger", [x, weight, ...zeros]);
  // The sums stay inside: what leaves is one row.
  const row = graph.node("Gather", [product, graph.integers([0], [])]);
  graph.output("y", row, "INT32", [outputs]);
  return await ort.InferenceSession.create(graph.toBytes(), {
    executionProviders: ["cpu"],
    enableCpuMemArena: false,
    logSeverityLevel: 3,
    extra: { session: { intra_op: { allow_spinning: "0" } } },
    externalData: [{ path: stageFile(0), data: bytes(inputs * outputs) }],
  });
}

function bytes(count: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count }, (_, index) => (index * 2_654_435_761) >>> 24);
}
