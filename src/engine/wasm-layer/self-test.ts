import type { LanguageTower } from "#domain/architecture.ts";
import { floats } from "../engine-parts.ts";
import { KeptTensors } from "../runtime/kept-tensors.ts";
import {
  type CaseSizes,
  type DecoderLayerCase,
  decoderLayerCase,
  type LinearKind,
} from "../self-test/random-layers.ts";
import { relativeError } from "../self-test/self-test.ts";
import { expectedOf } from "../self-test/self-test-layers.ts";
import { type CheckSizes, differingKernels } from "./check-kernels.ts";
import { Arena } from "./kernel.ts";
import { openLayer } from "./layer.ts";
import { kindOfLayer } from "./layer-weights.ts";
import { layerSession } from "./session.ts";

/** What is tried of each kernel: more rows than a tile and no multiple of it, scales over several blocks, a length between fours. */
const KERNEL_SIZES: CheckSizes = {
  rows: 6,
  inputs: 128,
  outputs: 24,
  block: 64,
  heads: 3,
  headSize: 16,
  length: 21,
};

/** Two query heads per key head. */
const language: LanguageTower = {
  hiddenSize: 128,
  layers: 1,
  heads: 4,
  keyValueHeads: 2,
  headSize: 32,
  intermediateSize: 256,
  vocabSize: 1,
  ropeTheta: 10_000,
  rmsNormEpsilon: 1e-5,
};

/** More rows than go through the linears at a time. */
const LAYER_SIZES: CaseSizes = { language, window: 38 };

/**
 * How far a layer of each kind may be from the plain forward. In q4 activations have 8 bits, which measured 1.0 %, as ONNX Runtime's may
 * be. Those of w8 and w7 have 7, half as fine: 2.0 %. A layer that is put together wrongly is off by 4 % and more; single bits are
 * held by the twins.
 */
const LAYER_KINDS: readonly (LinearKind & { readonly tolerance: number })[] = [
  { encoding: "q4", block: 32, tolerance: 0.02 },
  { encoding: "q4", block: 128, tolerance: 0.02 },
  { encoding: "w8", tolerance: 0.03 },
  { encoding: "w7", tolerance: 0.03 },
];

/**
 * Says what the kernels compute wrongly on this machine; undefined where nothing: every kernel has its twin's bits, and a layer of each
 * kind is near to the plain forward.
 */
export async function faultOf(module: WebAssembly.Module): Promise<string | undefined> {
  const differing = differingKernels(new Arena(module), KERNEL_SIZES, 1);
  if (differing.length > 0) return `${differing.join(", ")}: other bits than the twin's`;
  for (const { tolerance, ...kind } of LAYER_KINDS) {
    const error = await layerError(module, kind);
    if (error > tolerance)
      return `a layer in ${kind.encoding}: relative error ${error.toExponential(1)}`;
  }
  return undefined;
}

/** How far a random layer is from the plain forward, relative to its root mean square. */
export async function layerError(module: WebAssembly.Module, kind: LinearKind): Promise<number> {
  const drawn = decoderLayerCase(kind, LAYER_SIZES);
  return relativeError(await layerResult(module, drawn), expectedOf(drawn));
}

/** What the kernels make of a random layer, [M, D]. */
export async function layerResult(
  module: WebAssembly.Module,
  { language: tower, stage, inputs }: DecoderLayerCase,
): Promise<Float32Array> {
  const kind = kindOfLayer(tower, stage.layout);
  if (kind === undefined) throw new RangeError("the kernels take no layer of this form");
  const layer = openLayer(new Arena(module), tower, kind, stage);
  const session = layerSession({
    ...{ name: "self-test", tower, queries: "all", layer },
    ...{ arena: new Arena(module), kept: new KeptTensors() },
  });
  const { hiddenOut } = await session.run(inputs, ["hiddenOut"]);
  return floats(hiddenOut).data;
}
