import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import { createGraph } from "#graph/build.ts";
import type { CudaSettings } from "../runtime/cuda/cuda-runtime.ts";
import { loadRuntime } from "../runtime/ort.ts";
import type { Trouble } from "./findings.ts";
import type { ProbeName } from "./run-probe.ts";

/** Adds four numbers with a provider; the troubles are those that hindered it. To be run in a process of its own. */
export async function tryProvider(
  provider: Exclude<ProbeName, "vulkan">,
  cuda?: CudaSettings,
): Promise<readonly Trouble[]> {
  try {
    const runtime = await loadRuntime(provider, 1, cuda);
    const session = await runtime.createSession("trial", sumGraph(), new Uint8Array(1));
    const x = { shape: [4], data: Float32Array.of(1, 2, 3, 4) };
    const { y } = await session.run({ x }, ["y"]);
    await session.release();
    await runtime.close();
    if (y?.data.join() === "2,4,6,8") return [];
    return [
      {
        kind: "wrong_numbers",
        why: `1, 2, 3 and 4 twice are ${y?.data.join(", ")} to it`,
        next: "Update the driver, or use another provider",
      },
    ];
  } catch (error) {
    return [troubleOf(error)];
  }
}

function sumGraph(): Uint8Array<ArrayBuffer> {
  const graph = createGraph("trial");
  const x = graph.input("x", "FLOAT", [4]);
  graph.output("y", graph.node("Add", [x, x]), "FLOAT", [4]);
  return graph.toBytes();
}

/** Names what hindered a provider, by what it says. */
export function troubleOf(error: unknown): Trouble {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ProviderUnavailableError) {
      const { kind, why, next } = cause;
      return { kind, why, next };
    }
    if (/Failed to get a WebGPU adapter/.test(cause.message)) {
      return {
        kind: "no_gpu",
        why: "no graphics driver offers a device to WebGPU",
        next: "Install the card's driver, and on Linux the Vulkan loader (libvulkan1)",
      };
    }
    if (
      /Cannot find (?:module|package)|ERR_DLOPEN_FAILED|cannot open shared object/.test(
        cause.message,
      )
    ) {
      return {
        kind: "files_missing",
        why: `its package has nothing for this platform, or is not installed: ${firstLine(cause)}`,
        next: "npm ci",
      };
    }
  }
  return {
    kind: "failed",
    why: `the trial failed: ${firstLine(innermost(error))}`,
    next: "Use another provider, and report this",
  };
}

function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? innermost(error.cause) : error;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0]?.slice(0, 300) ?? "";
}
