import type { Provider } from "#graph/profile.ts";
import type { WebGpuFindings } from "./findings.ts";
import { findCuda, findWebGpu, type SurveyMeans } from "./survey.ts";

/** Bytes of memory of the card that a provider computes with; undefined where there is none, or no driver tells. */
export async function cardMemory(
  provider: Provider,
  means: SurveyMeans,
): Promise<number | undefined> {
  if (provider === "webgpu") return webGpuMemory(await findWebGpu(means));
  if (provider !== "cuda") return undefined;
  const { driver } = await findCuda(means);
  return driver?.gpus[Number(means.env["UNMASK_CUDA_DEVICE"] ?? 0)]?.memoryBytes;
}

/**
 * Of several cards nobody knows which one WebGPU takes, so it is the smallest's. A driver that computes on the processor counts only
 * where there is no card.
 */
export function webGpuMemory({ vulkan }: Pick<WebGpuFindings, "vulkan">): number | undefined {
  const adapters = vulkan?.adapters ?? [];
  const cards = adapters.filter(({ kind }) => kind !== "software");
  const bytes = (cards.length > 0 ? cards : adapters).map(({ memoryBytes }) => memoryBytes);
  return bytes.length === 0 ? undefined : Math.min(...bytes);
}
