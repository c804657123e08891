import type { Runtime } from "#engine/runtime/runtime.ts";
import { type CaseSizes, decoderLayerCase } from "#engine/self-test/random-layers.ts";
import { layerResult } from "#engine/wasm-layer/self-test.ts";

/** A layer of a few heads over more rows than go through its linears at a time. */
const sizes: CaseSizes = {
  language: {
    ...{ hiddenSize: 128, layers: 2, heads: 4, keyValueHeads: 2, headSize: 32, vocabSize: 1 },
    ...{ intermediateSize: 384, ropeTheta: 10_000, rmsNormEpsilon: 1e-5 },
  },
  window: 45,
};

/** FNV-1a over the bits of what our own layer makes of one random case: the same on every machine, in every engine, with either build. */
export const LAYER_DIGESTS = { q4: 3_423_877_152, w8: 3_489_259_874 } as const;

/** Computes one of `LAYER_DIGESTS` here, with one build of the kernels. */
export async function layerDigest(
  module: WebAssembly.Module,
  encoding: keyof typeof LAYER_DIGESTS,
): Promise<number> {
  const numbers = await layerResult(module, decoderLayerCase({ encoding }, sizes));
  return new Uint32Array(numbers.buffer).reduce(
    (hash, bits) => Math.imul(hash ^ bits, 16_777_619) >>> 0,
    2_166_136_261,
  );
}

/** A runtime without anything: what our own layers do not take is asked of it. */
export const bareRuntime: Runtime = {
  keepsAcrossSessions: false,
  createSession: () => Promise.reject(new Error("this runtime makes no session")),
  clear: async () => undefined,
  close: async () => undefined,
};
