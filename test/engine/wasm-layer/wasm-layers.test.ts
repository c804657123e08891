import { beforeAll, describe, expect, test } from "vitest";
import { numericsPart } from "#domain/numerics.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { decoderLayerCase, SMALL_SIZES } from "#engine/self-test/random-layers.ts";
import { compileLayerKernel } from "#engine/wasm-layer/kernel.ts";
import { layerError } from "#engine/wasm-layer/self-test.ts";
import { withWasmLayers } from "#engine/wasm-layer/wasm-layers.ts";
import { bareRuntime, LAYER_DIGESTS, layerDigest } from "../../support/layer-digest.ts";
import { layerBinaries } from "../../support/layer-kernel.ts";

const binaries = layerBinaries();

/** Sizes that the kernels take. */
const even = { ...SMALL_SIZES.language, hiddenSize: 64, headSize: 16, intermediateSize: 96 };

describe("layers of our own", () => {
  let runtime: Runtime;
  let four: Runtime;
  beforeAll(async () => {
    four = await withWasmLayers(bareRuntime, binaries);
    runtime = await withWasmLayers(bareRuntime, binaries, { take: ["int4", "int8"] });
  });

  test("are named in the numerics class with the formats that they take, beside what the runtime tells of itself", () => {
    expect(runtime.arithmetic?.kernels).toBe("simd128+layers.1-int4-int8");
    expect(four.arithmetic?.kernels).toBe("simd128+layers.1-int4");
    expect(numericsPart(four.arithmetic?.kernels ?? "")).toBe(four.arithmetic?.kernels);
  });

  test("in 8 bits are not taken unless asked for", async () => {
    const { stage } = decoderLayerCase({ encoding: "w8" }, { language: even, window: 2 });
    const order = { tower: even, stage, queries: "all" } as const;
    expect(await four.openLayer?.(order)).toBeUndefined();
    expect(await runtime.openLayer?.(order)).toBeDefined();
  });

  test.each([
    ["f32t", { heads: 4, headSize: 32 }],
    ["q8u", { heads: 4, headSize: 32 }],
    ["w8", SMALL_SIZES.language],
    ["q4", { heads: 2, headSize: 36 }],
  ] as const)(
    "are not taken where the kernels have no form for them: %s, %o",
    async (encoding, odd) => {
      const language = {
        ...SMALL_SIZES.language,
        ...{ hiddenSize: 128, intermediateSize: 256, keyValueHeads: 2 },
        ...odd,
      };
      const { stage } = decoderLayerCase({ encoding }, { language, window: 2 });
      expect(await runtime.openLayer?.({ tower: language, stage, queries: "all" })).toBeUndefined();
    },
  );

  test("a stage whose bytes have been read is given back to be filled again", async () => {
    const language = even;
    const { stage } = decoderLayerCase({ encoding: "w8" }, { language, window: 2 });
    const given: Uint8Array[] = [];
    const giveBack = (bytes: Uint8Array): void => void given.push(bytes);
    await runtime.openLayer?.({ tower: language, stage, queries: "all", giveBack });
    expect(given).toEqual([stage.bytes]);
  });
});

test("kernels that compute anything wrongly on this machine take no layer, and it is told which", async () => {
  // The constant that parts e^x into a power of two and a rest, a bit off.
  const constant = new Uint8Array(Float32Array.of(0.693359375).buffer);
  const wrong = binaries.plain.slice();
  const at = Buffer.from(wrong.buffer).indexOf(constant);
  wrong[at + 1] = 0x81;
  const told: string[] = [];
  const runtime = await withWasmLayers(
    bareRuntime,
    { relaxed: wrong, plain: wrong },
    { tell: (fault) => told.push(fault) },
  );
  expect(runtime).toBe(bareRuntime);
  expect(told).toEqual([expect.stringMatching(/^attend: other bits/)]);
});

describe.each(["relaxed", "plain"] as const)("a layer of our own, %s SIMD", (form) => {
  const module = compileLayerKernel({ relaxed: binaries[form], plain: binaries[form] });

  test.each(["q4", "w8"] as const)(
    "has the same bits as on every machine, %s weights",
    async (encoding) => {
      expect(await layerDigest(module, encoding)).toBe(LAYER_DIGESTS[encoding]);
    },
  );

  test.each([
    ["q4", 0.02],
    ["w8", 0.03],
    ["w7", 0.03],
  ] as const)(
    "is as near to the plain forward as its activations are fine, %s weights",
    async (encoding, tolerance) => {
      const error = await layerError(module, { encoding });
      expect(error).toBeGreaterThan(0);
      expect(error).toBeLessThan(tolerance);
    },
  );
});
