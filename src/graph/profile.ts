import { type Q4Block, q4Blocks } from "#domain/bundle.ts";

/** What can run the graphs. `cpu` is native code, `wasm` runs where native code cannot. */
export const providerNames = ["cpu", "wasm"] as const;

/** One of `providerNames`. */
export type Provider = (typeof providerNames)[number];

/** Which form of an operation a provider takes: the only thing that a graph knows about what will run it. */
export interface OpProfile {
  /**
   * `accuracy_level` of MatMulNBits: 4 quantises the activations to int8 per block, which is 3.5 times as fast as
   * level 0 on a 2-core AVX-512 machine (54 against 196 ms for 32 rows of an 8B layer). The wasm build ignores it.
   */
  readonly matMulNBitsAccuracy: 0 | 4;
  /**
   * How int8 weights meet unsigned activations. `signed` takes them as they lie. On x64 without VNNI the native kernel for
   * that pair adds two products in 16 bits and saturates, which is silently wrong; `unsigned` weights (shifted by 128) take
   * another kernel, exact everywhere, at 1.3 to 1.4 times the time on such a machine. Weights in w7 are signed everywhere: they
   * cannot saturate.
   */
  readonly int8Weights: "signed" | "unsigned";
  /** Blocks of q4 linears that it multiplies. */
  readonly q4Blocks: readonly Q4Block[];
}

/** The table. `int8Weights` of a provider that computes `saturationProbeGraph` wrongly is to be `unsigned` instead. */
export const opProfiles: Readonly<Record<Provider, OpProfile>> = {
  cpu: { matMulNBitsAccuracy: 4, int8Weights: "signed", q4Blocks },
  wasm: { matMulNBitsAccuracy: 0, int8Weights: "signed", q4Blocks },
};
