import path from "node:path";
import { numericsPart } from "#domain/numerics.ts";
import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { type CRuntime, loadCRuntime } from "../c-api/c-runtime.ts";
import type { CudaOptions } from "../c-api/cuda-options.ts";
import { loadLibraries } from "../c-api/ort-api.ts";
import { readCudaDriver } from "./cuda-driver.ts";
import { explainCudaFault } from "./cuda-fault.ts";
import {
  CUDA_LIBRARIES,
  CUDA_RUNTIME_VERSION,
  checkProviderFolder,
  RUNTIME_FILE,
} from "./provider-folder.ts";

/** Where the CUDA provider lies and what it may use. */
export interface CudaSettings extends CudaOptions {
  /** Made by `unmask provider cuda install`. */
  readonly folder: string;
}

/**
 * Loads ONNX Runtime with its CUDA provider, once its files have been checked, and makes sure that there is a GPU. Throws
 * ProviderUnavailableError where it knows what is missing.
 */
export async function loadCudaRuntime(
  { folder, ...cuda }: CudaSettings,
  threads?: number,
): Promise<CRuntime> {
  const { files } = await checkProviderFolder(folder);
  const fetched = CUDA_LIBRARIES.filter((name) => files.some((file) => file.name === name));
  try {
    // Libraries that are open already are found by their names, wherever they lie: nobody has to set LD_LIBRARY_PATH.
    await loadLibraries(fetched.map((name) => path.join(folder, name)));
    const libraryPath = path.join(folder, RUNTIME_FILE);
    const runtime = await loadCRuntime({
      libraryPath,
      cuda,
      ...(threads === undefined ? {} : { threads }),
    });
    if (runtime.version === CUDA_RUNTIME_VERSION) {
      return {
        ...explainingLoads(runtime),
        arithmetic: { kernels: await kernelsOf(cuda.device) },
      };
    }
    await runtime.close();
    throw new ProviderUnavailableError("cuda", "files_wrong", {
      why: `${libraryPath} says that it is ONNX Runtime ${runtime.version}, this is ${CUDA_RUNTIME_VERSION}`,
      next: "Install them again: npm run unmask -- provider cuda install --index URL",
    });
  } catch (cause) {
    throw explainCudaFault(cause) ?? cause;
  }
}

/** A runtime whose sessions that cannot be made say why, where that is known: weights are what fills a card. */
export function explainingLoads<Kind extends Runtime>(runtime: Kind): Kind {
  return {
    ...runtime,
    async createSession(name, ...given) {
      try {
        return await runtime.createSession(name, ...given);
      } catch (error) {
        const cause = explainCudaFault(error);
        if (cause === undefined) throw error;
        throw new Error(`the session of stage ${name} cannot be created`, { cause });
      }
    },
  };
}

/** Names what chooses the kernels: the card, and the driver with its own libraries. */
async function kernelsOf(device: number): Promise<string> {
  const reading = await readCudaDriver(false);
  const gpu = reading?.driver.gpus[device];
  const { cudaVersion, version = `cuda${cudaVersion}` } = reading?.driver ?? { cudaVersion: "" };
  return numericsPart(`sm${gpu?.computeCapability ?? ""}-${version}-${gpu?.name ?? ""}`);
}
