import * as z from "zod";
import type { CudaSettings } from "./cuda-runtime.ts";
import { defaultCudaFolder } from "./provider-folder.ts";

/** The variables that choose and bound the provider cuda. */
export const cudaEnvironment: {
  readonly UNMASK_CUDA_FOLDER: z.ZodOptional<z.ZodString>;
  readonly UNMASK_CUDA_DEVICE: z.ZodDefault<z.ZodCoercedNumber>;
  readonly UNMASK_CUDA_ARENA_BYTES: z.ZodOptional<z.ZodCoercedNumber>;
} = {
  UNMASK_CUDA_FOLDER: z.string().min(1).optional(),
  UNMASK_CUDA_DEVICE: z.coerce.number().int().min(0).max(255).default(0),
  UNMASK_CUDA_ARENA_BYTES: z.coerce.number().int().positive().optional(),
};

interface CudaVariables {
  readonly UNMASK_CUDA_FOLDER?: string | undefined;
  readonly UNMASK_CUDA_DEVICE: number;
  readonly UNMASK_CUDA_ARENA_BYTES?: number | undefined;
}

/** Reads them from an environment. Throws an Error that names the variable that is wrong. */
export function readCudaSettings(
  variables: Readonly<Record<string, string | undefined>>,
): CudaSettings {
  return cudaSettings(z.object(cudaEnvironment).parse(variables), variables);
}

/** Makes the settings of variables that have been read. */
export function cudaSettings(
  values: CudaVariables,
  variables: Readonly<Record<string, string | undefined>>,
): CudaSettings {
  const limit = values.UNMASK_CUDA_ARENA_BYTES;
  return {
    folder: values.UNMASK_CUDA_FOLDER ?? defaultCudaFolder(variables),
    device: values.UNMASK_CUDA_DEVICE,
    ...(limit === undefined ? {} : { arenaLimitBytes: limit }),
  };
}
