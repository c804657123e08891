import type { Pointer } from "./function-table.ts";
import type { OrtApi } from "./ort-api.ts";

/** Which GPU computes, and how much of it. */
export interface CudaOptions {
  /** In the order of the driver. */
  readonly device: number;
  /** The most that the arena may take of the GPU's memory, weights not counted; absent: what there is. */
  readonly arenaLimitBytes?: number;
}

/** Source of names and values: ONNX Runtime's page on the CUDA execution provider; cuda_execution_provider_info.cc of 1.30. */
function providerOptions({ device }: CudaOptions): Readonly<Record<string, string>> {
  return {
    device_id: String(device),
    // TensorFloat-32 keeps 10 bits of a fraction: float32 is to be float32, as the self-test asks.
    use_tf32: "0",
    // A captured graph replays the addresses of its first run. Every answer has its own prefix at its own address, and every prompt its
    // own length: a replay would read another answer's keys. It holds for no session of this engine.
    enable_cuda_graph: "0",
  };
}

/** What sessions on the GPU are told beside the provider's options. */
export const cudaSessionEntries: Readonly<Record<string, string>> = {
  // Int4 weights in blocks of 32 meet float16 rows in one kernel, instead of being widened to a whole float16 matrix for each product.
  // The same as ORT_FPA_INTB_GEMM=1 in the environment. Source: matmul_nbits.h of ONNX Runtime 1.30.
  "ep.cuda.fpa_intb_gemm": "1",
  // Weights stay for ever: in the arena they would leave holes as large as they are before they are packed.
  "session.use_device_allocator_for_initializers": "1",
  "session.use_env_allocators": "1",
};

/** Lets the provider compute for the sessions of these options. Throws `OrtError` where the provider or its GPU is not to be had. */
export function appendCuda(api: OrtApi, sessionOptions: Pointer, cuda: CudaOptions): void {
  withProviderOptions(api, cuda, (provider) =>
    api.call("AppendExecutionProviderCuda", sessionOptions, provider),
  );
}

/**
 * Gives all sessions of an environment one arena: a model is as many sessions as it has stages, and with an arena each would keep the
 * memory of its own largest run, 0.6 GB a layer of 8B at 1,128 rows, where one run at a time needs it once.
 */
export function shareCudaArena(
  api: OrtApi,
  environment: Pointer,
  memory: Pointer,
  cuda: CudaOptions,
): void {
  // The call below ends the process where there is no GPU: an exception of C++ crosses its border. Here it is an error.
  withProviderOptions(api, cuda, () => undefined);
  const settings = [
    ["arena_extend_strategy", SAME_AS_REQUESTED] as const,
    ["max_mem", cuda.arenaLimitBytes ?? 0] as const,
  ];
  const [names, values] = [settings.map(([name]) => name), settings.map(([, value]) => value)];
  const arena = api.create("ArenaCfg", "CreateArenaCfgV2", names, values, settings.length);
  try {
    const [keys, texts] = columns(providerOptions(cuda));
    api.call(
      "CreateAndRegisterAllocatorV2",
      environment,
      "CUDAExecutionProvider",
      memory,
      arena,
      keys,
      texts,
      keys.length,
    );
  } finally {
    api.release("ArenaCfg", arena);
  }
}

/** Grows by what is asked for and not to the next power of two. Source: enum ArenaExtendStrategy. */
const SAME_AS_REQUESTED = 1;

function withProviderOptions(
  api: OrtApi,
  cuda: CudaOptions,
  use: (provider: Pointer) => void,
): void {
  const provider = api.create("CudaProviderOptions", "CreateCudaProviderOptions");
  try {
    const [keys, texts] = columns(providerOptions(cuda));
    api.call("UpdateCudaProviderOptions", provider, keys, texts, keys.length);
    use(provider);
  } finally {
    api.release("CudaProviderOptions", provider);
  }
}

function columns(record: Readonly<Record<string, string>>): readonly [string[], string[]] {
  return [Object.keys(record), Object.values(record)];
}
