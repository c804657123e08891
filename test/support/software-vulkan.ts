import { describe } from "vitest";
import { findSoftwareVulkan, type SoftwareVulkan } from "../../infra/gpu-check/software-vulkan.ts";

const found = findSoftwareVulkan();

/** What stands in for a GPU on this machine; null where there is none. For a process of its own: give it the `environment`. */
export const softwareVulkan: SoftwareVulkan | null = found.ok ? found.value : null;

/**
 * Tests that compute on software Vulkan: skipped by name where there is none (vitest.config.ts says why). Files in
 * test/webgpu run in a process that has its environment; everywhere else tests start one.
 */
export const describeOnVulkan: typeof describe.skip =
  softwareVulkan === null ? describe.skip : describe;
