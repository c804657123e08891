import { fromBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, type TensorProto } from "#graph/onnx-types.ts";

/** A model's bytes read back. */
export function readModel(bytes: Uint8Array): ModelProto {
  return fromBinary(ModelProtoSchema, bytes);
}

/** Names of a model's inputs or outputs with their shapes: `hidden [B, M, 72]`. */
export function signature(model: ModelProto, side: "input" | "output"): string[] {
  return (model.graph?.[side] ?? []).map(({ name, type }) => {
    const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
    const dimensions = tensor?.shape?.dim.map(({ value }) => String(value.value)) ?? [];
    return `${name} [${dimensions.join(", ")}]`;
  });
}

/** Where the weights of a model lie in its stage, by offset. */
export function externalRanges(model: ModelProto): { offset: number; bytes: number }[] {
  const external = (model.graph?.initializer ?? []).filter(
    (weight) => weight.externalData.length > 0,
  );
  const place = (weight: TensorProto, wanted: string): number =>
    Number(weight.externalData.find(({ key }) => key === wanted)?.value);
  return external
    .map((weight) => ({ offset: place(weight, "offset"), bytes: place(weight, "length") }))
    .toSorted((a, b) => a.offset - b.offset);
}

/** How many nodes of an operator a model has. */
export function countNodes(model: ModelProto, operator: string): number {
  return (model.graph?.node ?? []).filter(({ opType }) => opType === operator).length;
}
