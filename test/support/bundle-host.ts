import { fileStore } from "#inference/file-store.ts";
import { createModelHost, type ModelHost, type ModelHostOptions } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";

/** A host of the model of this name in a folder's bundle, on the processor and with the kernels that ship. The caller disposes of it. */
export async function hostOfBundle(
  folder: string,
  model: string,
  settings: Partial<ModelHostOptions> = {},
): Promise<ModelHost> {
  const { resize } = await loadKernels();
  return createModelHost({
    model,
    provider: "cpu",
    resize,
    log: () => undefined,
    open: (signal) => openModel({ store: fileStore(folder), model, signal }),
    ...settings,
  });
}
