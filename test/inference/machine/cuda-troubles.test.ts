import { describe, expect, test } from "vitest";
import { driverTroubles } from "#inference/machine/cuda-troubles.ts";
import type { CudaDriver } from "#inference/runtime/cuda/cuda-driver.ts";

const gpu = {
  name: "NVIDIA H100 80GB HBM3",
  memoryBytes: 85_000_000_000,
  freeBytes: 84_000_000_000,
  computeCapability: "9.0",
};
const driver: CudaDriver = { cudaVersion: "13.0", version: "580.65.06", gpus: [gpu] };

describe("what NVIDIA's driver says", () => {
  test("is driver_missing where there is none", () => {
    expect(driverTroubles(undefined)).toMatchObject([{ kind: "driver_missing" }]);
  });

  test("is no trouble where it runs CUDA 13 and finds a card", () => {
    expect(driverTroubles({ driver, status: 0 })).toEqual([]);
    expect(driverTroubles({ driver: { ...driver, cudaVersion: "13.2" }, status: 0 })).toEqual([]);
  });

  test.each<[string, CudaDriver, number, RegExp]>([
    ["driver_too_old", { ...driver, cudaVersion: "12.8" }, 0, /runs CUDA 12\.8 at the most/],
    ["no_gpu", { ...driver, gpus: [] }, 100, /finds no GPU/],
    ["no_gpu", { ...driver, gpus: [] }, 0, /finds no GPU/],
    ["driver_broken", { ...driver, gpus: [] }, 803, /cuInit: 803/],
    [
      "gpu_too_old",
      { ...driver, gpus: [{ ...gpu, name: "Tesla V100", computeCapability: "7.0" }] },
      0,
      /Tesla V100: 7\.0/,
    ],
  ])("is %s where it is so", (kind, said, status, why) => {
    expect(driverTroubles({ driver: said, status })).toMatchObject([
      { kind, why: expect.stringMatching(why) },
    ]);
  });
});
