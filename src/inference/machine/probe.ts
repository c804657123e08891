import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import { readCudaDriver } from "../runtime/cuda/cuda-driver.ts";
import { readCudaSettings } from "../runtime/cuda/cuda-settings.ts";
import { checkProviderFolder } from "../runtime/cuda/provider-folder.ts";
import { driverTroubles } from "./cuda-troubles.ts";
import type { CudaFindings, Trial, VulkanFindings } from "./findings.ts";
import { FAILED, FOUND } from "./run-probe.ts";
import { troubleOf, tryProvider } from "./trial.ts";
import { findVulkan } from "./vulkan.ts";

// Entry file of the processes that `run-probe.ts` starts: `probe.ts NAME` looks at one thing and writes what it found as one line.

async function findCuda(): Promise<CudaFindings> {
  const settings = readCudaSettings(process.env);
  const { folder } = settings;
  const reading = await readCudaDriver(true);
  const troubles = driverTroubles(reading);
  const filesTrouble = await checkProviderFolder(folder).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ProviderUnavailableError) return troubleOf(error);
      throw error;
    },
  );
  const found = {
    folder,
    files:
      filesTrouble === undefined
        ? "installed"
        : filesTrouble.kind === "files_missing"
          ? "missing"
          : "wrong",
    ...(reading === undefined ? {} : { driver: reading.driver }),
  } as const;
  // Without a driver the files are of no use, and nobody should be sent to fetch them.
  if (troubles.length > 0) return { ...found, troubles };
  if (filesTrouble !== undefined) return { ...found, troubles: [filesTrouble] };
  return { ...found, troubles: await tryProvider("cuda", settings) };
}

async function find(name: string | undefined): Promise<CudaFindings | VulkanFindings | Trial> {
  switch (name) {
    case "cuda":
      return findCuda();
    case "vulkan":
      return findVulkan(process.env);
    case "cpu":
    case "wasm":
    case "webgpu":
      return { troubles: await tryProvider(name) };
    default:
      throw new Error(`no such probe: ${name}`);
  }
}

try {
  process.stdout.write(`\n${FOUND}${JSON.stringify(await find(process.argv[2]))}\n`);
} catch (error) {
  process.stdout.write(`\n${FAILED}${JSON.stringify(troubleOf(error))}\n`);
}
