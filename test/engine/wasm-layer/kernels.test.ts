import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { differingKernels, productOf } from "#engine/wasm-layer/check-kernels.ts";
import { Arena, compileLayerKernel } from "#engine/wasm-layer/kernel.ts";
import { multiplyQ4, multiplyW8 } from "#engine/wasm-layer/twin.ts";
import { layerBinaries } from "../../support/layer-kernel.ts";

const binaries = layerBinaries();
const inMultiples = (of: number, most: number): fc.Arbitrary<number> =>
  fc.integer({ min: 1, max: most }).map((count) => count * of);

describe.each(["relaxed", "plain"] as const)("the layer's kernels, %s SIMD", (form) => {
  const module = compileLayerKernel({ relaxed: binaries[form], plain: binaries[form] });

  test("give their twins' bits at every size, block and number of rows", () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 1, max: 9 }),
      inputs: inMultiples(128, 2),
      outputs: inMultiples(8, 3),
      block: fc.constantFrom(32 as const, 64 as const, 128 as const),
      heads: fc.integer({ min: 1, max: 3 }),
      headSize: inMultiples(8, 4),
      length: fc.integer({ min: 1, max: 40 }),
    });
    const arena = new Arena(module);
    fc.assert(
      fc.property(sizes, fc.nat(), (drawn, seed) => {
        expect(differingKernels(arena, drawn, seed)).toEqual([]);
      }),
      { seed: 14, numRuns: 30 },
    );
  });

  test("the largest sums of 4-bit products come out whole: no 16-bit sum overflows", () => {
    const x = { width: 128, data: new Float32Array(4 * 128).fill(1) };
    for (const nibbles of [0x00, 0xff, 0x0f]) {
      const packed = {
        data: new Uint8Array((8 * 128) / 2).fill(nibbles),
        scales: new Float16Array(8 * 4).fill(0.5),
      };
      const stored = { encoding: "q4", block: 32, packed } as const;
      const product = productOf(new Arena(module), stored, x, 8);
      expect(product).toEqual(multiplyQ4(packed, 32, x).data);
      const mean = (((nibbles & 15) + (nibbles >> 4)) / 2 - 8) * 0.5;
      expect(product[0]).toBeCloseTo(128 * mean, 3);
    }
  });

  test("the largest sums of 8-bit products come out whole, negative zero and all", () => {
    for (const [level, value] of [
      [127, 1],
      [-127, 1],
      [127, -1],
      [-127, -0],
    ] as const) {
      const x = { width: 128, data: new Float32Array(5 * 128).fill(value) };
      const packed = {
        data: new Int8Array(8 * 128).fill(level),
        scales: new Float32Array(8).fill(0.5),
      };
      const product = productOf(new Arena(module), { encoding: "w8", packed }, x, 8);
      expect(product).toEqual(multiplyW8(packed, x).data);
      expect(product[39]).toBeCloseTo(128 * level * value * 0.5, 2);
    }
  });

  test("rows without any size, or of next to none, are zero; what is no number stays none and touches no other row", () => {
    const data = new Float32Array(6 * 128).fill(0.25);
    data.fill(0, 0, 128).fill(1e-38, 128, 256).fill(Number.NaN, 256, 384);
    const packed = {
      data: new Uint8Array((8 * 128) / 2).fill(0xff),
      scales: new Float16Array(8).fill(1),
    };
    const stored = { encoding: "q4", block: 128, packed } as const;
    const product = productOf(new Arena(module), stored, { width: 128, data }, 8);
    const rows = [0, 1, 2, 3, 4, 5].map((row) => product[row * 8]);
    expect(rows).toEqual([0, 0, Number.NaN, 224, 224, 224]);
  });
});

test("where WebAssembly does not take the build with relaxed SIMD the other one is taken", () => {
  const unknown = Uint8Array.from(binaries.relaxed, (byte, index) => (index === 4 ? 9 : byte));
  const module = compileLayerKernel({ ...binaries, relaxed: unknown });
  expect(new Arena(module).kernel.multiplyQ4).toBeTypeOf("function");
  expect(() => compileLayerKernel({ relaxed: unknown, plain: unknown })).toThrow();
});
