import { describe, expect, test } from "vitest";
import { type Tensor, tensor } from "#domain/tensor.ts";
import { floats } from "#engine/engine-parts.ts";
import { attend, attendSplit, groupQueries, headsFirst, ungroupHeads } from "#graph/attention.ts";
import { createGraph, type Graph, type Value } from "#graph/build.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { attend as plainAttend } from "#model/reference/attention.ts";
import { readModel } from "../support/onnx.ts";

const layout = { heads: 6, keyValueHeads: 2, headSize: 5 };
const { heads, keyValueHeads, headSize } = layout;
const perHead = ["B", "M", keyValueHeads, headSize];

describe("attention in a graph", () => {
  test.each([
    ["alone", aloneModel],
    ["behind a context", splitModel],
  ])("%s makes scores for one head group at a time only", (_, model) => {
    const graph = readModel(model()).graph;
    const outside = graph?.node.map(({ opType }) => opType) ?? [];
    expect(outside.filter((operator) => operator === "Scan")).toHaveLength(1);
    expect(outside).not.toContain("MatMul");
    expect(outside).not.toContain("Softmax");
  });

  test("takes contexts apart without moving them", () => {
    const nodes = readModel(splitModel()).graph?.node ?? [];
    const readers = nodes.filter(({ input }) => input.includes("contextKeys"));
    expect(new Set(readers.map(({ opType }) => opType))).toEqual(new Set(["Shape", "Reshape"]));
    const scan = nodes.find(({ opType }) => opType === "Scan");
    expect(scan?.attribute.map(({ name }) => name)).not.toContain("scan_input_axes");
  });
});

describe.each(["cpu", "wasm"] as const)("attention on %s", (provider) => {
  test("with heads that share keys gives each sequence of a batch what plain arithmetic gives", async () => {
    const [query, keys, values] = [
      some([2, 40, heads * headSize], 1),
      some([2, 40, keyValueHeads, headSize], 2),
      some([2, 40, keyValueHeads, headSize], 3),
    ];
    const mixed = await run(provider, aloneModel(), { query, keys, values });
    expect(mixed.shape).toEqual([2, 40, heads * headSize]);
    for (const item of [0, 1]) {
      const expected = plainAttend(
        rows(query, item),
        rows(keys, item),
        rows(values, item),
        headSize,
      );
      expectClose(rows(mixed, item).data, expected.data);
    }
  });

  test.each([0, 3])(
    "behind a context of %i gives each sequence what it sees through its own mask",
    async (context) => {
      const window = 7;
      const hidden = [1, 2]; // how many of the last positions each sequence does not see
      const [query, keys, values] = [
        some([2, window, heads * headSize], 4),
        some([2, context + window, keyValueHeads, headSize], 5),
        some([2, context + window, keyValueHeads, headSize], 6),
      ];
      const mask = Float32Array.from({ length: 2 * (context + window) }, (_, index) => {
        const item = Math.floor(index / (context + window));
        const seen = context + window - (hidden[item] ?? 0);
        return index % (context + window) < seen ? 0 : Number.NEGATIVE_INFINITY;
      });
      const mixed = await run(provider, splitModel(), {
        query,
        keys: positions(keys, context, context + window),
        values: positions(values, context, context + window),
        contextKeys: turned(positions(keys, 0, context)),
        contextValues: turned(positions(values, 0, context)),
        mask: tensor([2, 1, 1, context + window], mask),
      });
      for (const item of [0, 1]) {
        const seen = context + window - (hidden[item] ?? 0);
        const expected = plainAttend(
          rows(query, item),
          rows(positions(keys, 0, seen), item),
          rows(positions(values, 0, seen), item),
          headSize,
        );
        expectClose(rows(mixed, item).data, expected.data);
      }
    },
  );
});

function aloneModel(): Uint8Array {
  const graph = createGraph("alone");
  const { query, keys, values } = projections(graph);
  return finish(graph, attend(graph, query, keys, values));
}

function splitModel(): Uint8Array {
  const graph = createGraph("split");
  const { query, keys, values } = projections(graph);
  const shape = ["B", keyValueHeads, "C", headSize];
  const mixed = attendSplit(
    graph,
    query,
    { keys, values },
    {
      keys: graph.input("contextKeys", "FLOAT", shape),
      values: graph.input("contextValues", "FLOAT", shape),
      mask: graph.input("mask", "FLOAT", ["maskBatch", 1, 1, "S"]),
    },
  );
  return finish(graph, mixed);
}

function projections(graph: Graph): { query: Value; keys: Value; values: Value } {
  const flat = graph.input("query", "FLOAT", ["B", "M", heads * headSize]);
  const split = graph.node("Reshape", [flat, graph.integers([0, 0, heads, headSize])]);
  return {
    query: groupQueries(graph, split, layout),
    keys: headsFirst(graph, graph.input("keys", "FLOAT", perHead)),
    values: headsFirst(graph, graph.input("values", "FLOAT", perHead)),
  };
}

function finish(graph: Graph, mixed: Value): Uint8Array {
  const joined = ungroupHeads(graph, mixed, layout);
  graph.output("mixed", joined, "FLOAT", ["B", "M", heads * headSize]);
  return graph.toBytes();
}

async function run(
  provider: "cpu" | "wasm",
  model: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
): Promise<Tensor> {
  const runtime = await loadRuntime(provider, 1);
  const session = await runtime.createSession("attention", model, new Uint8Array(1));
  const { mixed } = await session.run(inputs, ["mixed"]);
  await session.release();
  return floats(mixed);
}

function some(shape: readonly number[], seed: number): Tensor {
  const length = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length }, (_, index) => Math.sin(1.7 * index + seed));
  return tensor(shape, values);
}

/** One sequence of [B, S, …] as rows. */
function rows({ shape, data }: Tensor, item: number): { width: number; data: Float64Array } {
  const [batch = 1, length = 1] = shape;
  const size = data.length / batch;
  const own = data.subarray(item * size, (item + 1) * size);
  return { width: size / length, data: Float64Array.from(own) };
}

/** Positions `from` … `to` − 1 of [B, S, G, d]. */
function positions({ shape, data }: Tensor, from: number, to: number): Tensor {
  const [batch = 1, length = 1, groups = 1, size = 1] = shape;
  const width = groups * size;
  const parts = Array.from({ length: batch }, (_, item) => [
    ...data.subarray((item * length + from) * width, (item * length + to) * width),
  ]);
  return tensor([batch, to - from, groups, size], Float32Array.from(parts.flat()));
}

/** [B, S, G, d] → [B, G, S, d]. */
function turned({ shape, data }: Tensor): Tensor {
  const [batch = 1, length = 1, groups = 1, size = 1] = shape;
  const result = Float32Array.from(data, (_, index) => {
    const place = Math.floor(index / size);
    const position = place % length;
    const group = Math.floor(place / length) % groups;
    const item = Math.floor(place / length / groups);
    return data[((item * length + position) * groups + group) * size + (index % size)] ?? 0;
  });
  return tensor([batch, groups, length, size], result);
}

function expectClose(actual: Float64Array, expected: Float64Array): void {
  expect(actual).toHaveLength(expected.length);
  const differences = actual.map((value, index) => Math.abs(value - (expected[index] ?? 0)));
  expect(Math.max(...differences)).toBeLessThan(1e-5);
}
