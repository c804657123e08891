import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { OrtError } from "#inference/runtime/c-api/ort-status.ts";
import { explainCudaFault } from "#inference/runtime/cuda/cuda-fault.ts";

const recorded: Readonly<Record<string, string>> = JSON.parse(
  readFileSync("test/fixtures/cuda/faults.json", "utf8"),
);

describe("what hinders the CUDA provider while it is loaded", () => {
  test.each(Object.entries(recorded))("is named %s where its real files said so", (kind, text) => {
    expect(explainCudaFault(new OrtError("UpdateCudaProviderOptions", 1, text))).toMatchObject({
      kind,
      provider: "cuda",
    });
  });

  test.each([
    ["no_gpu", "CUDA failure 101: invalid device ordinal ; GPU=-1"],
    ["out_of_memory", "CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);"],
    [
      "out_of_memory",
      "bfc_arena.cc:376 AllocateRawInternal Failed to allocate memory for requested buffer of size 100663296",
    ],
    [
      "out_of_memory",
      "bfc_arena.cc:358 Available memory of 1024 is smaller than requested bytes of 4096",
    ],
    ["out_of_memory", "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0"],
    [
      "files_wrong",
      "Failed to load library /f/libonnxruntime_providers_cuda.so with error: /f/libonnxruntime_providers_cuda.so: undefined symbol: cudaGetDeviceCount",
    ],
    [
      "files_wrong",
      "Failed to load library /f/libonnxruntime_providers_shared.so with error: /f/libonnxruntime_providers_shared.so: cannot open shared object file: No such file or directory",
    ],
    ["files_wrong", "/f/libonnxruntime_providers_cuda.so: invalid ELF header"],
  ])("is %s by the texts of the runtime: %s", (kind, text) => {
    expect(explainCudaFault(new Error("outer", { cause: new Error(text) }))?.kind).toBe(kind);
  });

  test("says in one sentence what was found and what to do, and keeps the runtime's own words as its cause", () => {
    const cause = new OrtError("UpdateCudaProviderOptions", 1, recorded["no_gpu"] ?? "");
    const error = explainCudaFault(cause);
    expect(error?.message).toBe(
      "provider cuda cannot run here (no_gpu): the driver finds no such GPU. See what nvidia-smi lists; CUDA_VISIBLE_DEVICES and UNMASK_CUDA_DEVICE choose among it",
    );
    expect(error?.cause).toBe(cause);
  });

  test("what is not known is not explained", () => {
    expect(explainCudaFault(new Error("Got invalid dimensions for input: x"))).toBeUndefined();
    expect(explainCudaFault("CUDA failure 719: unspecified launch failure")).toBeUndefined();
  });
});
