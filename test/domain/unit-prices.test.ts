import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Architecture } from "#domain/architecture.ts";
import { defaultPrices, PICOS_PER_GIGA, unitWork } from "#domain/unit-prices.ts";
import { providerNames } from "#graph/profile.ts";
import { lite0 } from "../support/conv-tower.ts";

/** GSAI-ML/LLaDA-V: config.json of the checkpoint. */
const llada = {
  ...{ hiddenSize: 4096, layers: 32, heads: 32, keyValueHeads: 32, headSize: 128 },
  ...{ intermediateSize: 12_288, vocabSize: 126_464, ropeTheta: 500_000, rmsNormEpsilon: 1e-5 },
};
const siglip = {
  ...{ hiddenSize: 1152, layers: 26, heads: 16, intermediateSize: 4304 },
  ...{ imageSize: 384, patchSize: 14, layerNormEpsilon: 1e-6 },
};
const architecture = { language: llada, vision: siglip } as Architecture;

describe("the work of one unit", () => {
  test("is counted by hand for LLaDA-V", () => {
    const { view, linear, attention } = unitWork(architecture);
    // 4 projections of 4096 by 4096 and 3 of 4096 by 12288 in 32 layers, and the head.
    expect(linear).toBe(32 * (4 * 4096 ** 2 + 3 * 4096 * 12_288) + 4096 * 126_464);
    // Scores and values of 32 heads of 128 in 32 layers.
    expect(attention).toBe(32 * 2 * 4096);
    // 27 by 27 patches; so400m has 0.4 billion weights, each used once a patch.
    expect(view / 729 / 1e9).toBeCloseTo(0.45, 1);
  });

  test("is counted by hand for a tower of convolutions: 384 million in EfficientNet-Lite0, classes and reader for 50 rows", () => {
    const { view } = unitWork({
      language: { ...llada, hiddenSize: 128 },
      vision: lite0,
    } as Architecture);
    const evidence = 50 * (1000 * (1280 + 104) + 256 * (1280 + 448 + 106));
    const projector = 50 * (117 * 128 + 128 ** 2);
    // Source of 384 M: the published count of efficientnet-lite0, without its classifier.
    expect((view - evidence - projector) / 1e6).toBeCloseTo(384, -1);
  });

  test("of grouped queries is less, and there is no view without a tower", () => {
    const grouped = { language: { ...llada, keyValueHeads: 8 } } as Architecture;
    expect(unitWork(grouped)).toMatchObject({
      view: 0,
      linear: unitWork(architecture).linear - 32 * 2 * 24 * 128 * 4096,
    });
  });
});

describe("prices where an installation says none", () => {
  test("are there for every provider, named by the hour of its machine", () => {
    expect(Object.keys(PICOS_PER_GIGA)).toEqual(expect.arrayContaining([...providerNames]));
  });

  test("of LLaDA-V on CUDA are those that a rented H100 costs", () => {
    const { view, linear, attention } = defaultPrices(unitWork(architecture), "cuda");
    // 7.497 · 10⁹ and 262,144 multiply-adds at 7,500 pico-dollars for 10⁹.
    expect([linear, attention]).toEqual([56_230n, 2n]);
    expect(Number(view) / 1e6).toBeCloseTo(2.4, 0);
  });

  test("of a provider that nobody knows are the dearest", () => {
    const work = unitWork(architecture);
    for (const name of ["quantum", "__proto__", "constructor"])
      expect(defaultPrices(work, name)).toEqual(defaultPrices(work, "wasm"));
  });

  test("are whole, never nothing for some work, and grow with it", () => {
    const unit = fc.integer({ min: 0, max: 1e13 });
    fc.assert(
      fc.property(unit, unit, fc.constantFrom(...providerNames, "x"), (a, b, provider) => {
        const price = (linear: number) =>
          defaultPrices({ view: 0, linear, attention: 0 }, provider).linear;
        expect(price(Math.min(a, b)) <= price(Math.max(a, b))).toBe(true);
        expect(price(a) > 0n).toBe(a > 0);
      }),
      { seed: 12 },
    );
  });
});
