import { createOrtEngine, type OrtEngine, type OrtEngineOptions } from "#engine/ort-engine.ts";
import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { type Provider, providerNames } from "#graph/profile.ts";
import type { CudaSettings } from "./cuda/cuda-runtime.ts";
import { arithmeticOf } from "./machine-arithmetic.ts";
import { loadRuntimeOffThread } from "./off-thread.ts";
import { loadRuntime } from "./ort.ts";

export interface NodeEngineOptions extends Omit<OrtEngineOptions, "runtime" | "arithmetic"> {
  /** Where the provider cuda lies and what it may use: it does not go without. */
  readonly cuda?: CudaSettings;
  /** A runtime that is loaded already, to be used as the provider's: the tests run a provider's graphs on another one's runtime. */
  readonly runtime?: Runtime;
  /** Threads of one operation; the runtime's own choice (physical cores) if absent. */
  readonly threads?: number;
  /**
   * Whose thread computes: one of the engine's own, so that its caller's stays free, or the caller's, which starts faster and
   * suits models so small that no run is felt. Default: its own.
   */
  readonly thread?: "own" | "callers";
}

/** What an engine can be asked to run on, for rooms that do not see the graphs. */
export const engineProviders: readonly Provider[] = providerNames;

/** Creates an engine on this machine; as `createOrtEngine`. Rejects if the provider's runtime cannot be loaded here. */
export async function createNodeEngine(options: NodeEngineOptions): Promise<OrtEngine> {
  const { cuda, threads, thread = "own", ...rest } = options;
  const load = thread === "callers" ? loadRuntime : loadRuntimeOffThread;
  const runtime = options.runtime ?? (await load(options.provider, threads, cuda));
  const arithmetic = arithmeticOf(options.provider, runtime.arithmetic);
  return await createOrtEngine({ ...rest, runtime, arithmetic });
}

/**
 * Says why a provider cannot run on this machine, in one sentence; undefined where it can. Loads its runtime to find out, and throws
 * what is no answer to that.
 */
export async function whyUnavailable(
  provider: Provider,
  cuda?: CudaSettings,
): Promise<string | undefined> {
  try {
    const runtime = await loadRuntime(provider, 1, cuda);
    await runtime.close();
    return undefined;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof ProviderUnavailableError) return cause.message;
    throw error;
  }
}
