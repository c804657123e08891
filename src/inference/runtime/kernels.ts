import { readFile } from "node:fs/promises";
import { resizeKernel } from "#model/image/resize-kernel.ts";
import type { Resize } from "#model/vision/crops.ts";

/** The kernels of `wasm/`, ready to run. */
export interface Kernels {
  readonly resize: Resize;
}

/**
 * Loads the kernels that `wasm/build.ts` has compiled.
 * Throws if they are missing or broken, which means that this is no complete clone.
 */
export async function loadKernels(): Promise<Kernels> {
  const file = new URL("../../../wasm/resize.wasm", import.meta.url);
  try {
    return { resize: resizeKernel(new Uint8Array(await readFile(file))) };
  } catch (cause) {
    throw new Error(`cannot load the resize kernel from ${file.pathname}`, {
      cause,
    });
  }
}
