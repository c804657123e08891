import type { CudaDriver } from "../runtime/cuda/cuda-driver.ts";

/** Why something does not work here. */
export interface Trouble {
  /** A word for programs: those of `ProviderUnavailableError`, and a few more. */
  readonly kind: string;
  /** What was found, as a clause. */
  readonly why: string;
  /** What to do next, as a sentence without its full stop. */
  readonly next: string;
}

/** What a trial of a provider came to: an addition of four numbers, with the provider's real libraries. */
export interface Trial {
  readonly troubles: readonly Trouble[];
}

export interface CudaFindings extends Trial {
  readonly folder: string;
  readonly files: "installed" | "missing" | "wrong";
  readonly driver?: CudaDriver;
}

/** A device that computes through Vulkan. */
export interface VulkanAdapter {
  readonly name: string;
  /** Source: VkPhysicalDeviceType. `software` computes on the processor. */
  readonly kind: "integrated" | "discrete" | "virtual" | "software" | "other";
  /** The largest heap of its own. */
  readonly memoryBytes: number;
  /** As in "1.4.305". */
  readonly vulkan: string;
}

export interface VulkanFindings {
  /** Whether its loader can be opened. */
  readonly hasLoader: boolean;
  /** Manifests of drivers, where the loader looks for them. */
  readonly manifests: readonly string[];
  readonly adapters: readonly VulkanAdapter[];
  readonly troubles: readonly Trouble[];
}

export interface WebGpuFindings extends Trial {
  /** On Linux, where WebGPU goes through it. */
  readonly vulkan?: VulkanFindings;
  /** Whether a card computes, and no driver that does it on the processor; undefined where it cannot be told. */
  readonly isReal?: boolean;
}

export interface Processor {
  readonly name: string;
  readonly cores: number;
  /** Of "avx2", "avx512f", "avx512_vnni", "avx_vnni", "asimddp" those that it has; absent where the system does not tell. */
  readonly features?: readonly string[];
}

/** What there is on this machine to compute with. */
export interface Machine {
  readonly node: { readonly version: string; readonly isNewEnough: boolean };
  readonly platform: string;
  readonly architecture: string;
  readonly processor: Processor;
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly cpu: Trial;
  readonly wasm: Trial;
  readonly webgpu: WebGpuFindings;
  readonly cuda: CudaFindings;
}
