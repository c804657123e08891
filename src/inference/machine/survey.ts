import { readFileSync } from "node:fs";
import os from "node:os";
import { readCudaSettings } from "../runtime/cuda/cuda-settings.ts";
import type {
  CudaFindings,
  Machine,
  Processor,
  Trial,
  VulkanFindings,
  WebGpuFindings,
} from "./findings.ts";
import { type ProbeName, type ProbeOptions, runProbe } from "./run-probe.ts";

/** What a survey asks the outside; the tests are another machine. */
export interface SurveyMeans extends Omit<ProbeOptions, "script"> {
  readonly probe?: typeof runProbe;
  readonly platform?: NodeJS.Platform;
}

/** Looks at everything, several things at once. Never throws for what it finds; rejects when it is asked to stop. */
export async function surveyMachine(means: SurveyMeans): Promise<Machine> {
  const [cpu, wasm, webgpu, cuda] = await Promise.all([
    tryOut("cpu", means),
    tryOut("wasm", means),
    findWebGpu(means),
    findCuda(means),
  ]);
  return {
    node: {
      version: process.version,
      isNewEnough: Number(process.versions.node.split(".")[0]) >= 24,
    },
    platform: means.platform ?? process.platform,
    architecture: process.arch,
    processor: describeProcessor(),
    memory: { totalBytes: os.totalmem(), freeBytes: os.freemem() },
    ...{ cpu, wasm, webgpu, cuda },
  };
}

async function tryOut(name: ProbeName, means: SurveyMeans): Promise<Trial> {
  const { probe = runProbe } = means;
  const result = await probe<Trial>(name, means);
  return "found" in result ? result.found : { troubles: [result.trouble] };
}

/** Tries WebGPU, and on Linux looks at what computes below it. */
export async function findWebGpu(means: SurveyMeans): Promise<WebGpuFindings> {
  const { platform = process.platform, probe = runProbe } = means;
  if (platform !== "linux") {
    const trial = await tryOut("webgpu", means);
    // Metal has no driver that computes on the processor; Direct3D 12 has one, and does not say so here.
    return platform === "darwin" ? { ...trial, isReal: true } : trial;
  }
  const [trial, below] = await Promise.all([
    tryOut("webgpu", means),
    probe<VulkanFindings>("vulkan", means),
  ]);
  if (!("found" in below)) return { troubles: [...trial.troubles, below.trouble] };
  const vulkan = below.found;
  // A card is chosen before a driver that computes on the processor. Source: Dawn, order of adapters by power preference.
  const isReal = vulkan.adapters.some(({ kind }) => kind !== "software");
  // Vulkan knows better than WebGPU why there is no device.
  const isExplained = trial.troubles.length > 0 && vulkan.troubles.length > 0;
  return { troubles: isExplained ? vulkan.troubles : trial.troubles, vulkan, isReal };
}

/** Tries CUDA, and looks at its files, its driver and its cards. */
export async function findCuda(means: SurveyMeans): Promise<CudaFindings> {
  const { platform = process.platform, probe = runProbe } = means;
  const { folder } = readCudaSettings(means.env);
  if (platform !== "linux" || process.arch !== "x64") {
    const why = `the provider's files are for Linux on x64, this is ${platform} on ${process.arch}`;
    const next = "Use provider webgpu for its card";
    return { folder, files: "missing", troubles: [{ kind: "wrong_platform", why, next }] };
  }
  const result = await probe<CudaFindings>("cuda", means);
  if ("found" in result) return result.found;
  return { folder, files: "missing", troubles: [result.trouble] };
}

/** Instructions that the kernels make a difference of. Source: ONNX Runtime's MLAS, dispatch by processor. */
const TOLD_FEATURES = ["avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"];

function describeProcessor(): Processor {
  const cores = os.availableParallelism();
  const name = os.cpus()[0]?.model.trim() ?? "unknown";
  const flags = processorFlags();
  return flags === undefined
    ? { name, cores }
    : { name, cores, features: TOLD_FEATURES.filter((feature) => flags.has(feature)) };
}

function processorFlags(): ReadonlySet<string> | undefined {
  try {
    const text = readFileSync("/proc/cpuinfo", "utf8");
    const [, flags = ""] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text) ?? [];
    return new Set(flags.split(" "));
  } catch {
    return undefined; // Only Linux tells.
  }
}
