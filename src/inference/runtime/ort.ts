import { hostRuntime } from "#engine/runtime/host-runtime.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { openWebgpuRuntime } from "#engine/runtime/webgpu-runtime.ts";
import type { Provider } from "#graph/profile.ts";
import type { CudaSettings } from "./cuda/cuda-runtime.ts";

/**
 * Loads a provider's runtime. Throws an Error that names the provider if it cannot be loaded on this machine.
 *
 * @param cuda is for that provider alone, which does not go without it
 */
export async function loadRuntime(
  provider: Provider,
  threads?: number,
  cuda?: CudaSettings,
): Promise<Runtime> {
  try {
    return await providers[provider](threads, cuda);
  } catch (cause) {
    throw new Error(`the runtime of provider ${provider} cannot be loaded`, { cause });
  }
}

type Load = (threads?: number, cuda?: CudaSettings) => Promise<Runtime>;

/**
 * How each provider's runtime is loaded: the only place that knows the packages. They are imported when asked for, so that a
 * machine without the native library can still run wasm.
 */
const providers: Readonly<Record<Provider, Load>> = {
  async cpu(threads) {
    return hostRuntime(await import("onnxruntime-node"), {
      executionProviders: ["cpu"],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
  },
  async wasm(threads) {
    const ort = await import("onnxruntime-web");
    // One pool for all sessions of the process; the first engine's choice stays.
    if (threads !== undefined) ort.env.wasm.numThreads = threads;
    return hostRuntime(ort, { executionProviders: ["wasm"] });
  },
  async webgpu() {
    return openWebgpuRuntime(await import("onnxruntime-node"));
  },
  async cuda(threads, cuda) {
    if (cuda === undefined) throw new Error("nobody has said where its files lie");
    const { loadCudaRuntime } = await import("./cuda/cuda-runtime.ts");
    return loadCudaRuntime(cuda, threads);
  },
};
