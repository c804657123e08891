import { type Q4Block, q4Blocks } from "#domain/bundle.ts";

/**
 * What can run the graphs. `cpu` is native code, `wasm` runs where native code cannot; `webgpu` and `cuda` are graphics cards, the
 * first through the graphics driver of any maker, the second through NVIDIA's own libraries.
 */
export const providerNames = ["cpu", "wasm", "webgpu", "cuda"] as const;

/** One of `providerNames`. */
export type Provider = (typeof providerNames)[number];

/** Which form of an operation a provider takes: the only thing that a graph knows about what will run it. */
export interface OpProfile {
  /**
   * Where what goes from stage to stage lies. `host`: every stage is handed tensors of any length, and finds out their sizes itself.
   * `device`: hidden vectors, keys and values stay with the device. Then the host says all sizes that a graph needs to know, because
   * arithmetic of shapes is whole numbers on a processor, which would wait for the device; nothing is of length 0, because an empty
   * buffer ends the WebGPU provider (1.30.0) with a segmentation fault; and the head takes rows by their numbers.
   */
  readonly tensors: "host" | "device";
  /**
   * How attention is computed. `groups`: one head group after another, which holds the scores of one only. `batched`: all heads in
   * two products (`headsAtOnce`), without control flow, which a device has none of. `fused`: MultiHeadAttention, which never holds all scores.
   */
  readonly attention: "groups" | "batched" | "fused";
  /**
   * Query heads whose scores lie in one buffer where attention is batched, at least 1. Those of 8 over the 4,027 positions of a
   * picture in full detail are 0.5 GB in float32; those of all 32 of an 8B would be 2.1 GB, more than the 2 GiB that a large card's driver
   * commonly takes in one binding. Each part costs five operations a layer.
   */
  readonly headsAtOnce: number;
  /**
   * How the largest of a row is found. `reduce`: ReduceMax, and its place by masking. `argmax`: ArgMax, and what is there. CUDA's
   * ReduceMax is cuDNN's, 0.7 GB that nothing else of these graphs needs, and its ArgMax is not (microsoft/onnxruntime#29620).
   */
  readonly largest: "reduce" | "argmax";
  /**
   * How is convolved: by the operator, which on CUDA is cuDNN's too, or by the products that a convolution is: one where patches do
   * not overlap, one over what lies side by side where they do.
   */
  readonly convolutions: "conv" | "product";
  /** What the linears multiply: `FLOAT16` is what a card's fast paths want; residual sums and norms stay float32. */
  readonly activations: "FLOAT" | "FLOAT16";
  /**
   * `accuracy_level` of MatMulNBits: 4 quantises the activations to int8 per block, which is 3.5 times as fast as
   * level 0 on a 2-core AVX-512 machine (54 against 196 ms for 32 rows of an 8B layer). The wasm build ignores it. On WebGPU it
   * opens both fast paths, that of int8 dot products and that of tensor cores.
   */
  readonly matMulNBitsAccuracy: 0 | 4;
  /**
   * How int8 weights meet unsigned activations. `signed` takes them as they lie. On x64 without VNNI the native kernel for
   * that pair adds two products in 16 bits and saturates, which is silently wrong; `unsigned` weights (shifted by 128) take
   * another kernel, exact everywhere, at 1.3 to 1.4 times the time on such a machine. Weights in w7 are signed everywhere: they
   * cannot saturate. `none`: the provider multiplies no integers, so that w8a8 and w7a8 are no formats for it.
   */
  readonly int8Weights: "signed" | "unsigned" | "none";
  /** Blocks of q4 linears that it multiplies. */
  readonly q4Blocks: readonly Q4Block[];
  /**
   * Bytes of weights that one operation may be given: the head's are the only ones that are cut. A WebGPU device need not take more than
   * 128 MiB in one binding. Source: maxStorageBufferBindingSize, WebGPU §3.6.2.
   */
  readonly weightBytes: number;
}

const host = {
  tensors: "host",
  attention: "groups",
  headsAtOnce: 1,
  largest: "argmax",
  convolutions: "conv",
  activations: "FLOAT",
  int8Weights: "signed",
  q4Blocks,
  weightBytes: Number.POSITIVE_INFINITY,
} as const satisfies Partial<OpProfile>;

const device = {
  tensors: "device",
  attention: "batched",
  activations: "FLOAT",
  matMulNBitsAccuracy: 4,
  int8Weights: "none",
} as const satisfies Partial<OpProfile>;

/** The table. The self-test settles what a machine decides: see `settleProfile`. */
export const opProfiles: Readonly<Record<Provider, OpProfile>> = {
  cpu: { ...host, matMulNBitsAccuracy: 4 },
  wasm: { ...host, matMulNBitsAccuracy: 0 },
  webgpu: {
    ...device,
    headsAtOnce: 8,
    largest: "reduce",
    convolutions: "conv",
    q4Blocks,
    weightBytes: 128 * 1024 ** 2,
  },
  // Blocks of 32 are those that its kernel for tensor cores takes (ONNX Runtime 1.30, fpA_intB).
  cuda: {
    ...device,
    headsAtOnce: Number.POSITIVE_INFINITY,
    largest: "argmax",
    convolutions: "product",
    q4Blocks,
    weightBytes: Number.POSITIVE_INFINITY,
  },
};
