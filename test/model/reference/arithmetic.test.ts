import { describe, expect, test } from "vitest";
import {
  geluExact,
  geluTanh,
  layerNorm,
  linear,
  rmsNorm,
  silu,
} from "#model/reference/arithmetic.ts";
import { referenceArrays } from "../../support/reference.ts";

const numerics = referenceArrays("pure/numerics.safetensors");

describe("the reference arithmetic", () => {
  test.each([
    ["silu", silu],
    ["gelu_tanh", geluTanh],
    ["gelu_erf", geluExact],
  ])("%s has the reference's values", (name, curve) => {
    const actual = Array.from(numerics.get("x").data, curve);
    expectClose(actual, numerics.get(name).data);
  });

  test("norms have the reference's values", () => {
    const input = { width: 48, data: Float64Array.from(numerics.get("norm_in").data) };
    const weight = Float32Array.from(numerics.get("norm_w").data);
    const bias = Float32Array.from(numerics.get("norm_b").data);
    expectClose(rmsNorm(input, weight, 1e-5).data, numerics.get("rmsnorm_eps1e-5").data);
    expectClose(layerNorm(input, weight, bias, 1e-6).data, numerics.get("layernorm_eps1e-6").data);
  });

  test("the exact GELU is symmetric up to its argument far out", () => {
    for (const x of [0, 0.5, 3, 8.4, 8.6, 40]) {
      expect(geluExact(x) - geluExact(-x)).toBeCloseTo(x, 14);
    }
  });

  test("a linear adds its bias where it has one, and says which weight is missing", () => {
    const x = { width: 2, data: Float64Array.of(1, 2, 3, 4) };
    const weights: Record<string, Float32Array> = {
      "a.weight": Float32Array.of(1, 0, 0, 1, 1, 1),
      "a.bias": Float32Array.of(10, 20, 30),
      weight: Float32Array.of(2, 2),
    };
    expect(linear((name) => weights[name], x, "a")).toEqual({
      width: 3,
      data: Float64Array.of(11, 22, 33, 13, 24, 37),
    });
    expect(linear((name) => weights[name], x)).toEqual({ width: 1, data: Float64Array.of(6, 14) });
    expect(() => linear((name) => weights[name], x, "b")).toThrow("misses b.weight");
  });
});

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual).toHaveLength(expected.length);
  for (let index = 0; index < actual.length; index++) {
    expect(Math.abs((actual[index] ?? 0) - (expected[index] ?? 0))).toBeLessThan(2e-6);
  }
}
