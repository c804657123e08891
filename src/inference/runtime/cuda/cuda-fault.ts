import {
  ProviderUnavailableError,
  type UnavailableKind,
} from "#engine/runtime/provider-unavailable.ts";

/** What a fault of the provider means while it is being loaded. */
interface Meaning {
  readonly kind: UnavailableKind;
  readonly pattern: RegExp;
  readonly why: string;
  readonly next: string;
}

/**
 * Texts of ONNX Runtime 1.30 and of the dynamic linker. 35 and 100 to 101 are numbers of `cudaError_t`
 * (CUDA Runtime API, "Error handling"); those of memory are the arena's and cuBLAS's.
 */
const meanings: readonly Meaning[] = [
  {
    kind: "driver_missing",
    pattern: /libcuda\.so[.\d]*: cannot open shared object file/,
    why: "the NVIDIA driver is not installed, or not visible in this container (libcuda.so.1 is not found)",
    next: "Install NVIDIA's driver 580 or newer; in a container, start it with the GPU passed in",
  },
  {
    kind: "libraries_missing",
    pattern: /lib(?:cudart|cublas|cublasLt|curand)\.so[.\d]*: cannot open shared object file/,
    why: "libraries of CUDA 13 that the provider needs are not found",
    next: "Fetch them beside the provider: npm run unmask -- provider cuda install --index URL; or name their folder in LD_LIBRARY_PATH",
  },
  {
    kind: "files_wrong",
    pattern:
      /libonnxruntime_providers_\w+\.so(?:: cannot open shared object file|.*(?:undefined symbol|invalid ELF|file too short|version .* not found))/s,
    why: "the provider's files do not fit this runtime",
    next: "Install them again: npm run unmask -- provider cuda install --index URL",
  },
  {
    kind: "driver_too_old",
    pattern: /CUDA failure 35\b|driver version is insufficient/,
    why: "the NVIDIA driver is older than CUDA 13 (or libcuda.so.1 is not a driver's)",
    next: "Update NVIDIA's driver to 580 or newer",
  },
  {
    kind: "no_gpu",
    pattern:
      /CUDA failure 10[01]\b|no CUDA-capable device|invalid device ordinal|Invalid device ID/,
    why: "the driver finds no such GPU",
    next: "See what nvidia-smi lists; CUDA_VISIBLE_DEVICES and UNMASK_CUDA_DEVICE choose among it",
  },
  {
    kind: "out_of_memory",
    pattern:
      /CUDA failure 2\b|out of memory|Failed to allocate memory|Available memory of .* is smaller|CUBLAS_STATUS_ALLOC_FAILED/,
    why: "the GPU's memory is full",
    next: "Serve a smaller format (q4), end what else uses the GPU, or take one with more memory; unmask doctor says how much there is",
  },
];

/** Names what hindered the provider while it was loaded; undefined where nothing is known about it. */
export function explainCudaFault(cause: unknown): ProviderUnavailableError | undefined {
  const text = textOf(cause);
  const meaning = meanings.find(({ pattern }) => pattern.test(text));
  if (meaning === undefined) return undefined;
  return new ProviderUnavailableError("cuda", meaning.kind, { ...meaning, cause });
}

/** The messages of an error and of all that caused it. */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause === undefined ? cause.message : `${cause.message}\n${textOf(cause.cause)}`;
}
