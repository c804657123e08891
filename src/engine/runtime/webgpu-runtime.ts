import { createGraph } from "#graph/build.ts";
import { deviceRuntime } from "./device-runtime.ts";
import { ProviderUnavailableError } from "./provider-unavailable.ts";
import type { Ort, Runtime } from "./runtime.ts";

/** What Dawn says where no driver of the machine has a device for it (ONNX Runtime 1.30.0, webgpu_context.cc). */
const NO_ADAPTER = /Failed to get a WebGPU adapter/;

/** A runtime on the machine's WebGPU device. Throws ProviderUnavailableError where there is none. */
export async function openWebgpuRuntime(ort: Ort): Promise<Runtime> {
  const runtime = deviceRuntime(ort);
  const graph = createGraph("probe");
  const x = graph.input("x", "FLOAT", ["M", 4]);
  graph.output("y", graph.node("Add", [x, x]), "FLOAT", ["M", 4]);
  try {
    const session = await runtime.createSession("probe", graph.toBytes(), []);
    await session.release();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof Error && NO_ADAPTER.test(cause.message))) throw error;
    throw new ProviderUnavailableError("webgpu", "no_gpu", {
      why: "no graphics driver of this machine has a device for it",
      next: "Install the driver with its Vulkan part (on Linux libvulkan1 and the maker's own), or take provider cpu",
      cause,
    });
  }
  return runtime;
}
