import { describe, expect, test } from "vitest";
import { webGpuMemory } from "#inference/machine/card-memory.ts";
import type { VulkanAdapter } from "#inference/machine/findings.ts";

const adapter = (kind: VulkanAdapter["kind"], gigabytes: number): VulkanAdapter => ({
  ...{ name: `${kind} ${gigabytes}`, kind, vulkan: "1.4.305" },
  memoryBytes: gigabytes * 1e9,
});

const found = (...adapters: VulkanAdapter[]) => ({
  vulkan: { hasLoader: true, manifests: [], adapters, troubles: [] },
});

describe("the memory that a format for WebGPU has to fit into", () => {
  test.each([
    [
      "is the card's, whatever the processor has",
      [adapter("software", 25), adapter("discrete", 8)],
      8e9,
    ],
    ["is the smaller card's of two", [adapter("discrete", 24), adapter("integrated", 2)], 2e9],
    ["is the processor's where nothing else computes", [adapter("software", 25)], 25e9],
    ["is not known without a device", [], undefined],
  ])("%s", (_, adapters, bytes) => {
    expect(webGpuMemory(found(...adapters))).toBe(bytes);
  });

  test("is not known where there is no Vulkan", () => {
    expect(webGpuMemory({})).toBeUndefined();
  });
});
