import type { Runtime } from "#engine/runtime/runtime.ts";
import type { Provider } from "#graph/profile.ts";
import type { CudaSettings } from "#inference/runtime/cuda/cuda-runtime.ts";
import { readCudaSettings } from "#inference/runtime/cuda/cuda-settings.ts";
import { loadRuntimeOffThread } from "#inference/runtime/off-thread.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";

/** What a provider's loader wants to know beside its name. */
export function cudaOf(provider: Provider): { readonly cuda?: CudaSettings } {
  return provider === "cuda" ? { cuda: readCudaSettings(process.env) } : {};
}

/** A provider's runtime on this thread. */
export function openRuntime(provider: Provider): Promise<Runtime> {
  return loadRuntime(provider, undefined, cudaOf(provider).cuda);
}

/** The same on a thread of its own, as an engine has it. */
export function openRuntimeOffThread(provider: Provider): Promise<Runtime> {
  return loadRuntimeOffThread(provider, undefined, cudaOf(provider).cuda);
}
