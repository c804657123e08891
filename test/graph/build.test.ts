import { describe, expect, test } from "vitest";
import { createGraph } from "#graph/build.ts";
import { AttributeProto_AttributeType as AttributeType } from "#graph/onnx-types.ts";
import { externalRanges, readModel, signature } from "../support/onnx.ts";

describe("createGraph", () => {
  test("weights are references into the stage, not copies of it", () => {
    const graph = createGraph("test");
    const x = graph.input("x", "FLOAT", ["M", 1024]);
    const weight = graph.weight("w", "FLOAT", [1024, 4096], { offset: 64, bytes: 2 ** 24 });
    graph.output("y", graph.node("MatMul", [x, weight]), "FLOAT", ["M", 4096]);
    const bytes = graph.toBytes();
    expect(bytes.byteLength).toBeLessThan(1000);
    expect(externalRanges(readModel(bytes))).toEqual([{ offset: 64, bytes: 2 ** 24 }]);
  });

  test("a weight or constant that is asked for twice is there once", () => {
    const graph = createGraph("test");
    const range = { offset: 0, bytes: 16 };
    const first = graph.weight("w", "FLOAT", [4], range);
    expect(graph.weight("w", "FLOAT", [4], range)).toBe(first);
    expect(graph.integers([1, 2])).toBe(graph.integers([1, 2]));
    expect(graph.integers([1, 2])).not.toBe(graph.integers([1, 2], [2, 1]));
    expect(graph.integers([1])).not.toBe(graph.floats([1]));
    expect(readModel(graph.toBytes()).graph?.initializer).toHaveLength(5);
  });

  test("attributes are written as the kind of number that they are", () => {
    const graph = createGraph("test");
    const x = graph.input("x", "FLOAT", ["N"]);
    graph.node("Some", [x], {
      domain: "com.microsoft",
      attributes: { axis: -1, perm: [1, 0], mode: "tanh", epsilon: { float: 0.5 } },
    });
    const [node] = readModel(graph.toBytes()).graph?.node ?? [];
    expect(node?.domain).toBe("com.microsoft");
    expect(node?.attribute.map(({ name, type }) => [name, type])).toEqual([
      ["axis", AttributeType.INT],
      ["perm", AttributeType.INTS],
      ["mode", AttributeType.STRING],
      ["epsilon", AttributeType.FLOAT],
    ]);
    expect(node?.attribute[0]?.i).toBe(-1n);
    expect(node?.attribute[3]?.f).toBe(0.5);
  });

  test("what a scan does for each part is a graph inside, whose constants and names are those around it", () => {
    const graph = createGraph("test");
    const x = graph.input("x", "FLOAT", ["N", 3]);
    const positive = graph.node("Abs", [x]);
    const scanned = graph.scan([positive], ([part]) =>
      graph.node("Abs", [graph.node("Add", [part!, graph.floats([1])])]),
    );
    graph.output("y", graph.node("Abs", [scanned]), "FLOAT", ["N", 3]);
    const model = readModel(graph.toBytes());
    expect(model.graph?.node.map(({ opType }) => opType)).toEqual(["Abs", "Scan", "Abs"]);
    const body = model.graph?.node[1]?.attribute.find(({ name }) => name === "body")?.g;
    expect(body?.node.map(({ opType }) => opType)).toEqual(["Add", "Abs"]);
    expect(body?.initializer).toEqual([]);
    expect(body?.output[0]?.name).toBe(body?.node[1]?.output[0]);
    const made = [...(model.graph?.node ?? []), ...(body?.node ?? [])].flatMap(
      ({ output }) => output,
    );
    expect(new Set(made).size).toBe(made.length);
  });

  test("a result that other nodes read too leaves as it is made, under its own name, also where a body reads it", () => {
    const graph = createGraph("test");
    const x = graph.input("x", "FLOAT", ["N", 3]);
    const positive = graph.node("Abs", [x]);
    const scanned = graph.scan([x], ([part]) => graph.node("Add", [part!, positive]));
    graph.output("positive", positive, "FLOAT", ["N", 3]);
    graph.output("sums", scanned, "FLOAT", ["N", "N", 3]);
    const { node = [] } = readModel(graph.toBytes()).graph ?? {};
    expect(node.map(({ opType, output }) => [opType, ...output])).toEqual([
      ["Abs", "positive"],
      ["Scan", "sums"],
    ]);
    const body = node[1]?.attribute.find(({ name }) => name === "body")?.g;
    expect(body?.node[0]?.input).toContain("positive");
  });

  test("an input, and a value that has left already, leave as copies", () => {
    const graph = createGraph("test");
    const x = graph.input("x", "FLOAT", ["N"]);
    const positive = graph.node("Abs", [x]);
    for (const name of ["first", "second"]) graph.output(name, positive, "FLOAT", ["N"]);
    graph.output("same", x, "FLOAT", ["N"]);
    const { node = [] } = readModel(graph.toBytes()).graph ?? {};
    expect(node.map(({ opType, input, output }) => [opType, ...input, ...output])).toEqual([
      ["Abs", "x", "first"],
      ["Identity", "first", "second"],
      ["Identity", "x", "same"],
    ]);
  });

  test("sizes known at run time only keep their letter", () => {
    const graph = createGraph("test");
    const x = graph.input("x", "FLOAT", ["M", 8]);
    graph.output("y", graph.node("Abs", [x]), "FLOAT", ["M", 8]);
    const model = readModel(graph.toBytes());
    expect(signature(model, "input")).toEqual(["x [M, 8]"]);
    expect(signature(model, "output")).toEqual(["y [M, 8]"]);
  });
});
