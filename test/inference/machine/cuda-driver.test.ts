import { describe, expect, test } from "vitest";
import { troublesOf } from "#inference/machine/cuda-driver.ts";
import type { CudaDriver } from "#inference/machine/findings.ts";

const gpu = {
  name: "NVIDIA H100 80GB HBM3",
  memoryBytes: 85_000_000_000,
  freeBytes: 84_000_000_000,
  computeCapability: "9.0",
};
const driver: CudaDriver = { cudaVersion: "13.0", version: "580.65.06", gpus: [gpu] };

describe("what NVIDIA's driver says", () => {
  test("is no trouble where it runs CUDA 13 and finds a card", () => {
    expect(troublesOf(driver, 13_000, 0)).toEqual([]);
    expect(troublesOf({ ...driver, cudaVersion: "13.2" }, 13_020, 0)).toEqual([]);
  });

  test.each<[string, CudaDriver, number, number, RegExp]>([
    [
      "driver_too_old",
      { ...driver, cudaVersion: "12.8" },
      12_080,
      0,
      /runs CUDA 12\.8 at the most/,
    ],
    ["no_gpu", { ...driver, gpus: [] }, 13_000, 100, /finds no GPU/],
    ["no_gpu", { ...driver, gpus: [] }, 13_000, 0, /finds no GPU/],
    ["driver_broken", { ...driver, gpus: [] }, 13_000, 803, /cuInit: 803/],
    [
      "gpu_too_old",
      { ...driver, gpus: [{ ...gpu, name: "Tesla V100", computeCapability: "7.0" }] },
      13_000,
      0,
      /Tesla V100: 7\.0/,
    ],
  ])("is %s where it is so", (kind, said, version, state, why) => {
    expect(troublesOf(said, version, state)).toMatchObject([
      { kind, why: expect.stringMatching(why) },
    ]);
  });
});
