import type { UnavailableKind } from "#engine/runtime/provider-unavailable.ts";
import { explainCudaFault } from "./cuda/cuda-fault.ts";

/** What has happened to a runtime, as far as something can be done about it: why it cannot compute here, or that its device is gone. */
export type RuntimeFault = UnavailableKind | "device_lost";

/** How texts of runtimes read. The first that fits stands. */
const texts: readonly { readonly kind: RuntimeFault; readonly pattern: RegExp }[] = [
  // A context of CUDA that met one of these is gone, and with it all that the process had on the GPU.
  // Source: CUDA Runtime API, cudaError_t 46, 214, 700, 702, 710, 719, 999; cuBLAS, cublasStatus_t 13 and 14.
  { kind: "device_lost", pattern: /CUDA failure (?:46|214|700|702|710|719|999)\b/ },
  { kind: "device_lost", pattern: /CUBLAS_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR)/ },
  // Source: ONNX Runtime, webgpu_context.cc and buffer_manager.cc; Dawn, Device.cpp and VulkanError.cpp. What was computed cannot be
  // read back: the device is lost, or a buffer could not be had before, and then nothing behind it is right.
  {
    kind: "device_lost",
    pattern: /WebGPU device lost \(|\[?Device[^\n]{0,80}\]? is lost|Device is lost/,
  },
  { kind: "device_lost", pattern: /VK_ERROR_DEVICE_LOST|DXGI_ERROR_DEVICE_(?:REMOVED|HUNG|RESET)/ },
  {
    kind: "device_lost",
    pattern: /Device was destroyed|external Instance reference no longer exists/,
  },
  { kind: "out_of_memory", pattern: /VK_ERROR_OUT_OF_(?:DEVICE|HOST)_MEMORY|E_OUTOFMEMORY/ },
  { kind: "out_of_memory", pattern: /WebGPU device error\(\d+\): Out of memory/ },
  {
    kind: "device_lost",
    pattern: /Failed to download data from buffer|Failed to wait for the operation/,
  },
  { kind: "no_gpu", pattern: /Failed to get a WebGPU (?:adapter|device)|No supported adapters/ },
  // Source: ONNX Runtime, bfc_arena.cc; the C++ library, which says so of the host's memory.
  { kind: "out_of_memory", pattern: /BFC Arena ran out of memory|std::bad_alloc/ },
];

/** Kinds as `ProviderUnavailableError` writes them into its message, which is all that crosses from thread to thread. */
const NAMED =
  /provider \w+ cannot run here \((files_missing|files_wrong|libraries_missing|driver_missing|driver_too_old|no_gpu|out_of_memory)\)/;

/** Says what a text of a runtime means; undefined where nothing is known about it. */
export function classifyRuntimeFault(text: string): RuntimeFault | undefined {
  const named = NAMED.exec(text)?.[1];
  if (named !== undefined) return named as UnavailableKind;
  return (
    texts.find(({ pattern }) => pattern.test(text))?.kind ?? explainCudaFault(new Error(text))?.kind
  );
}

/** Says what an error means, by its own text and those of all that caused it. */
export function runtimeFaultOf(error: unknown): RuntimeFault | undefined {
  for (let link = error; link instanceof Error; link = link.cause) {
    const fault = classifyRuntimeFault(link.message);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
