import { elementCount, type Shape } from "#domain/tensor.ts";
import type { SessionTensor } from "#engine/runtime/runtime.ts";
import type { Pointer, Slot } from "./function-table.ts";
import type { OrtApi } from "./ort-api.ts";

/** Source: enum ONNXTensorElementDataType. */
const ELEMENT = { float: 1, int32: 6 } as const;

/** An `OrtValue` over a tensor's own numbers: the tensor has to outlive it. Its shape is copied. */
export function valueOver(api: OrtApi, host: Pointer, { shape, data }: SessionTensor): Pointer {
  const { memory } = api;
  const sizes = BigInt64Array.from(shape, BigInt);
  return api.create(
    "Value",
    "CreateTensorWithDataAsOrtValue",
    host,
    memory.addressOf(data),
    data.byteLength,
    memory.addressOf(sizes),
    sizes.length,
    data instanceof Int32Array ? ELEMENT.int32 : ELEMENT.float,
  );
}

/** Copies a value that lies in the host's memory. Throws an Error, by the output's name, where it is neither float32 nor int32. */
export function readValue(api: OrtApi, value: Pointer, name: string): SessionTensor {
  const { element, shape } = describe(api, value);
  const count = elementCount(shape);
  // What holds nothing lies nowhere.
  const at = count === 0 ? undefined : api.addressBy("GetTensorMutableData", value);
  if (element === ELEMENT.float) {
    return { shape, data: at === undefined ? new Float32Array() : api.memory.floats(at, count) };
  }
  if (element === ELEMENT.int32) {
    return { shape, data: at === undefined ? new Int32Array() : api.memory.integers(at, count) };
  }
  throw new Error(`${name} is neither float32 nor int32, but of element type ${element}`);
}

function describe(
  api: OrtApi,
  value: Pointer,
): { readonly element: number; readonly shape: Shape } {
  const description = api.create("TensorTypeAndShapeInfo", "GetTensorTypeAndShape", value);
  try {
    const element: Slot<number> = [null];
    const rank: Slot<number> = [null];
    api.call("GetTensorElementType", description, element);
    api.call("GetDimensionsCount", description, rank);
    const sizes = new BigInt64Array(rank[0] ?? 0);
    api.call("GetDimensions", description, api.memory.addressOf(sizes), sizes.length);
    return { element: element[0] ?? 0, shape: Array.from(sizes, Number) };
  } finally {
    api.release("TensorTypeAndShapeInfo", description);
  }
}
