import { create, toBinary } from "@bufbuild/protobuf";
import type { ByteRange } from "#domain/bundle.ts";
import type { Shape } from "#domain/tensor.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./onnx-types.ts";

/**
 * The name under which a graph expects a stage's bytes, handed over beside the model as external data. Graphs of several stages
 * number them.
 */
export function stageFile(index: number): string {
  return index === 0 ? "stage" : `stage-${index}`;
}

/** Intermediate representation that came with the operator set below. Source: onnx/docs/Versioning.md. */
const IR_VERSION = 11n;

/** RMSNormalization came with 23; Gelu with 20; Split, LayerNormalization and the rest are older. */
const OPERATOR_SET = 23n;

/** A tensor in a graph under construction: an input, a weight, a constant or what a node yields. */
export type Value = string & { readonly kind: "graph value" };

/** How numbers are written, by the names of `onnx.proto`. */
export type NumberType = "FLOAT" | "FLOAT16" | "INT8" | "UINT8" | "INT32" | "INT64" | "BOOL";

/** A fixed size, or a letter of the shape glossary for a size that is known at run time only. */
export type Dimension = number | string;

/** A whole number, a list of them, a text, or a real number where the operator wants one. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

/** One operator applied to values. */
export interface Operation {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Operators outside the standard live in the runtime's own domain. */
  readonly domain?: "com.microsoft";
}

/** A graph that grows node by node, in the order in which it is computed. */
export interface Graph {
  input(name: string, type: NumberType, shape: readonly Dimension[]): Value;
  /**
   * A range of the stage in file `file` (`stageFile`; the first if absent), read where it lies: nothing is copied into the model. Equal
   * names in one file are one weight.
   */
  weight(name: string, type: NumberType, shape: Shape, range: ByteRange, file?: number): Value;
  floats(values: readonly number[], shape?: Shape): Value;
  integers(values: readonly number[], shape?: Shape): Value;
  /** Whole numbers of 32 bits [n], for places and lengths beside those that the host gives: it has no others. */
  integers32(values: readonly number[]): Value;
  /** Stands for an optional input that a node is not given. */
  readonly none: Value;
  /** Adds a node with one result. */
  node(operator: string, inputs: readonly Value[], operation?: Operation): Value;
  /** Adds a node with several results, in their order. */
  results(
    operator: string,
    inputs: readonly Value[],
    count: number,
    operation?: Operation,
  ): readonly Value[];
  cast(value: Value, type: NumberType): Value;
  /**
   * Runs the nodes that `body` adds once for each index of the first axis, one index after another, and stacks what they yield.
   *
   * @param sequences float32 tensors whose first axes are equally long; `body` is given their parts at one index, and may also
   *   use any value from before. What it makes is of no use outside.
   */
  scan(sequences: readonly Value[], body: (parts: readonly Value[]) => Value): Value;
  /**
   * Runs the nodes of one of two branches, by a condition of one BOOL that is known at run time only. Both yield float32 from a node of
   * their own, and may use any value from before; the other branch costs nothing.
   */
  choose(condition: Value, whenTrue: () => Value, whenFalse: () => Value): Value;
  output(name: string, value: Value, type: NumberType, shape: readonly Dimension[]): void;
  /** The finished model as bytes of `ModelProto`. */
  toBytes(): Uint8Array<ArrayBuffer>;
}

/** Starts an empty graph. */
export function createGraph(name: string): Graph {
  const inputs: ValueInfoProto[] = [];
  const outputs: ValueInfoProto[] = [];
  let nodes: NodeProto[] = [];
  let names = 0;
  /** Values that leave the graph, by the names under which they do. */
  const renamed = new Map<string, string>();
  const initializers = new Map<string, TensorProto>();

  function constant(tensor: TensorProto): Value {
    if (!initializers.has(tensor.name)) initializers.set(tensor.name, tensor);
    return asValue(tensor.name);
  }

  function append(
    operator: string,
    from: readonly Value[],
    to: readonly [string, ...string[]],
    operation: Operation = {},
  ): Value {
    const [first] = to;
    nodes.push(
      create(NodeProtoSchema, {
        name: first,
        opType: operator,
        domain: operation.domain ?? "",
        input: [...from],
        output: [...to],
        attribute: Object.entries(operation.attributes ?? {}).map(attributeProto),
      }),
    );
    return asValue(first);
  }

  // One numbering for the graph and the bodies inside it: a body sees the values around it and must not hide them.
  function freshName(stem: string): string {
    return `${stem}_${names++}`;
  }

  /** Collects the nodes that `body` adds, instead of adding them to those around it. */
  function inside<Result>(body: () => Result): { nodes: NodeProto[]; result: Result } {
    const outside = nodes;
    const collected: NodeProto[] = [];
    nodes = collected;
    const result = body();
    nodes = outside;
    return { nodes: collected, result };
  }

  const graph: Graph = {
    input(inputName, type, shape) {
      inputs.push(valueInfo(inputName, type, shape));
      return asValue(inputName);
    },
    weight(weightName, type, shape, range, file = 0) {
      const ownName = file === 0 ? weightName : `${stageFile(file)}: ${weightName}`;
      return constant(externalTensor(ownName, type, shape, range, file));
    },
    floats(values, shape = [values.length]) {
      const tensorName = `floats ${shape.join("x")}: ${values.join(" ")}`;
      return constant(inlineTensor(tensorName, shape, { dataType: DataType.FLOAT, values }));
    },
    integers(values, shape = [values.length]) {
      const tensorName = `integers ${shape.join("x")}: ${values.join(" ")}`;
      return constant(inlineTensor(tensorName, shape, { dataType: DataType.INT64, values }));
    },
    integers32(values) {
      const tensorName = `integers32: ${values.join(" ")}`;
      const content = { dataType: DataType.INT32, values };
      return constant(inlineTensor(tensorName, [values.length], content));
    },
    none: asValue(""),
    node(operator, from, operation) {
      return append(operator, from, [freshName(operator)], operation);
    },
    results(operator, from, count, operation) {
      const first = freshName(operator);
      const others = Array.from({ length: count - 1 }, () => freshName(operator));
      append(operator, from, [first, ...others], operation);
      return [first, ...others].map(asValue);
    },
    cast(value, type) {
      return graph.node("Cast", [value], { attributes: { to: DataType[type] } });
    },
    scan(sequences, body) {
      const parts = sequences.map(() => asValue(freshName("part")));
      const step = inside(() => body(parts));
      const result = asValue(freshName("Scan"));
      nodes.push(scanNode(sequences, result, bodyOf(step.nodes, parts, step.result)));
      return result;
    },
    choose(condition, whenTrue, whenFalse) {
      const [then, otherwise] = [inside(whenTrue), inside(whenFalse)];
      const result = asValue(freshName("If"));
      nodes.push(
        create(NodeProtoSchema, {
          name: result,
          opType: "If",
          input: [condition],
          output: [result],
          attribute: [
            graphAttribute("then_branch", bodyOf(then.nodes, [], then.result)),
            graphAttribute("else_branch", bodyOf(otherwise.nodes, [], otherwise.result)),
          ],
        }),
      );
      return result;
    },
    output(outputName, value, type, shape) {
      // What a node yields leaves under its new name; an Identity would be a copy if other nodes read it too.
      const isYielded = nodes.some(({ output }) => output.includes(value));
      if (isYielded && !renamed.has(value)) renamed.set(value, outputName);
      else append("Identity", [value], [outputName]);
      outputs.push(valueInfo(outputName, type, shape));
    },
    toBytes: () =>
      modelBytes(
        create(GraphProtoSchema, {
          name,
          node: nodes.map((node) => withNames(node, renamed)),
          input: inputs,
          output: outputs,
          initializer: [...initializers.values()],
        }),
      ),
  };
  return graph;
}

function modelBytes(graph: GraphProto): Uint8Array<ArrayBuffer> {
  const model = create(ModelProtoSchema, {
    irVersion: IR_VERSION,
    producerName: "unmask",
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: "", version: OPERATOR_SET }),
      create(OperatorSetIdProtoSchema, { domain: "com.microsoft", version: 1n }),
    ],
    graph,
  });
  return toBinary(ModelProtoSchema, model);
}

/** A node that reads and yields values under their new names, and so do the bodies inside it. */
function withNames(node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  const nameOf = (value: string): string => names.get(value) ?? value;
  return create(NodeProtoSchema, {
    ...node,
    input: node.input.map(nameOf),
    output: node.output.map(nameOf),
    attribute: node.attribute.map((attribute) =>
      attribute.g === undefined
        ? attribute
        : create(AttributeProtoSchema, {
            ...attribute,
            g: create(GraphProtoSchema, {
              ...attribute.g,
              node: attribute.g.node.map((inner) => withNames(inner, names)),
            }),
          }),
    ),
  });
}

function asValue(name: string): Value {
  return name as Value;
}

/** The graph inside a node. Its shapes are left for the runtime to find. */
function bodyOf(node: NodeProto[], parts: readonly Value[], result: Value): GraphProto {
  return create(GraphProtoSchema, {
    name: `${result} body`,
    node,
    input: parts.map((part) => valueInfo(part, "FLOAT")),
    output: [valueInfo(result, "FLOAT")],
  });
}

function scanNode(sequences: readonly Value[], result: Value, body: GraphProto): NodeProto {
  return create(NodeProtoSchema, {
    name: result,
    opType: "Scan",
    input: [...sequences],
    output: [result],
    attribute: [
      attributeProto(["num_scan_inputs", sequences.length]),
      graphAttribute("body", body),
    ],
  });
}

function graphAttribute(name: string, g: GraphProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g });
}

function attributeProto([name, value]: [string, Attribute]): AttributeProto {
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    const s = Uint8Array.from(value, (letter) => letter.charCodeAt(0));
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s });
  }
  if ("float" in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

function valueInfo(name: string, type: NumberType, shape?: readonly Dimension[]): ValueInfoProto {
  const dim = shape?.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === "number"
          ? { case: "dimValue", value: BigInt(size) }
          : { case: "dimParam", value: size },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: DataType[type],
    ...(dim === undefined ? {} : { shape: create(TensorShapeProtoSchema, { dim }) }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } }),
  });
}

function externalTensor(
  name: string,
  type: NumberType,
  shape: Shape,
  range: ByteRange,
  file: number,
): TensorProto {
  const place = { location: stageFile(file), offset: `${range.offset}`, length: `${range.bytes}` };
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: DataType[type],
    dataLocation: DataLocation.EXTERNAL,
    externalData: Object.entries(place).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
}

function inlineTensor(
  name: string,
  shape: Shape,
  content: { readonly dataType: DataType; readonly values: readonly number[] },
): TensorProto {
  const { dataType, values } = content;
  const tensor = create(TensorProtoSchema, { name, dims: shape.map(BigInt), dataType });
  if (dataType === DataType.INT64) tensor.int64Data = values.map(BigInt);
  else if (dataType === DataType.INT32) tensor.int32Data = [...values];
  else tensor.floatData = [...values];
  return tensor;
}
