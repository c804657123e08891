// What a machine's providers do: run.sh starts this on the machine itself, from what `npm run gpu-check -- pack FOLDER` packed.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Provider } from "#graph/profile.ts";
import { F16 } from "../measure/sessions.ts";
import { findCudaLibraries } from "./cuda-files.ts";
import { type Machine, surveyMachine } from "./machine.ts";
import { type FoundProvider, planSteps, probeStep, type Step } from "./plan.ts";
import { type Report, reportText } from "./report.ts";
import { runStep, type StepResult, skipped } from "./step-process.ts";
import { systemLibraries, systemManifests, type VulkanWay, vulkanWays } from "./vulkan-ways.ts";

/** Of the five minutes that it may take in all; the rest is for unpacking. */
const BUDGET_SECONDS = 270;

const HELP = `Usage: run.sh [--out FOLDER] [--budget SECONDS] [--only TEXT] [--small] [--list]

Finds what this machine's providers can do and how fast: prints a table and writes gpu-check.json and gpu-check.md to FOLDER
(default: $OUT, else here). Needs no network and nothing installed.

  --out FOLDER      where the two files go
  --budget SECONDS  when to stop (default ${BUDGET_SECONDS}); what did not fit is listed as skipped
  --only TEXT       only steps whose name has TEXT in it; several with commas
  --small           small shapes, chosen anyway where only software Vulkan is found
  --list            names of the steps, and nothing is run
`;

const root = path.resolve(import.meta.dirname, "../../..");
const options = {
  out: { type: "string" },
  budget: { type: "string" },
  only: { type: "string" },
  small: { type: "boolean" },
  list: { type: "boolean" },
  help: { type: "boolean" },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const startMs = Date.now();
  const endMs = startMs + Number(values.budget ?? BUDGET_SECONDS) * 1000;
  const machine = surveyMachine();
  const results: StepResult[] = [];
  const record: Keep = (result) => {
    results.push(result);
    console.log(line(result));
    return result;
  };
  const found = await findProviders(machine, record, endMs);
  const hasGpu = machine.gpus.length > 0 || found.vulkan?.isSoftware === false;
  const small = values.small === true || !hasGpu;
  for (const step of chosen(planSteps(found.providers, small), values.only)) {
    const environment = found.environments.get(step.provider) ?? {};
    if (values.list === true) console.log(step.name);
    else if (step.lacks !== undefined) record(skipped(step, `the device has no ${step.lacks}`));
    else record(await runStep(step, { small, environment, endMs }));
  }
  if (values.list === true) return;
  const report: Report = {
    version: 1,
    commit: packedCommit(),
    startedAt: new Date(startMs).toISOString(),
    seconds: (Date.now() - startMs) / 1000,
    small,
    machine,
    results,
    vulkan: found.vulkan === undefined ? "none that works" : wordsOf(found.vulkan),
  };
  const out = path.resolve(values.out ?? (process.env["OUT"] || "."));
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, "gpu-check.json"), JSON.stringify(report, null, 1));
  const text = reportText(report);
  writeFileSync(path.join(out, "gpu-check.md"), text);
  console.log(`\n${text}`);
}

/** Puts a result on record and hands it on. */
type Keep = (result: StepResult) => StepResult;

/** What runs here, and the variables that its processes are started with. */
interface FoundProviders {
  readonly providers: readonly FoundProvider[];
  readonly environments: ReadonlyMap<Provider, VulkanWay["environment"]>;
  /** The way that WebGPU takes. */
  readonly vulkan?: VulkanWay;
}

/** Asks every provider for one small sum. */
async function findProviders(
  machine: Machine,
  record: Keep,
  endMs: number,
): Promise<FoundProviders> {
  const providers: FoundProvider[] = [];
  const environments = new Map<Provider, VulkanWay["environment"]>();
  const works = async (step: Step, environment: VulkanWay["environment"]): Promise<boolean> => {
    const { outcome, rows } = record(await runStep(step, { small: true, environment, endMs }));
    if (outcome !== "measured") return false;
    const hasF16 = rows.some(({ what, works }) => what === F16 && works === true);
    providers.push({ name: step.provider, hasF16 });
    environments.set(step.provider, environment);
    return true;
  };
  await works(probeStep("cpu"), {});
  const missing = whyNoCuda(machine);
  if (missing !== null) record(skipped(probeStep("cuda"), missing));
  else await works(probeStep("cuda"), cudaEnvironment());
  const webgpu = probeStep("webgpu");
  const all = vulkanWays(process.env, places());
  // A GPU is measured or named as missing; software in its place would only look like it.
  const ways = machine.gpus.length === 0 ? all : all.filter(({ isSoftware }) => !isSoftware);
  if (ways.length === 0) record(skipped(webgpu, machine.gpus.length === 0 ? NO_DRIVER : NO_VULKAN));
  for (const way of ways) {
    const step = { ...webgpu, name: `${webgpu.name} through ${way.name}` };
    if (await works(step, way.environment)) return { providers, environments, vulkan: way };
  }
  return { providers, environments };
}

const NO_DRIVER = "there is no Vulkan driver here, and none in the pack";

const NO_VULKAN =
  "the GPU's driver brings no Vulkan here: containers need NVIDIA_DRIVER_CAPABILITIES=graphics (or all) for libGLX_nvidia.so.0";

function wordsOf({ name, isSoftware }: VulkanWay): string {
  return isSoftware ? `${name}, which computes on the CPU` : name;
}

function places() {
  const scratch = mkdtempSync(path.join(tmpdir(), "unmask-gpu-check-vulkan-"));
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
  return {
    manifests: systemManifests,
    libraries: systemLibraries,
    packed: path.join(root, "vulkan"),
    scratch,
  };
}

/** Where run.sh has joined the second archive, and where CUDA's own libraries lie. */
function cudaEnvironment(): Readonly<Record<string, string>> {
  const joined = path.join(root, "cuda");
  const folders = [...findCudaLibraries().folders, process.env["LD_LIBRARY_PATH"]];
  return {
    ...(existsSync(joined) ? { UNMASK_CUDA_FOLDER: joined } : {}),
    LD_LIBRARY_PATH: folders.filter((folder) => folder).join(":"),
  };
}

function whyNoCuda({ gpus }: Machine): string | null {
  if (gpus.length === 0) return "nvidia-smi finds no GPU";
  const hasFiles = existsSync(path.join(root, "cuda")) || process.env["UNMASK_CUDA_FOLDER"];
  return hasFiles ? null : "the second archive is not here (npm run gpu-check -- pack-cuda FOLDER)";
}

function chosen(steps: readonly Step[], only: string | undefined): readonly Step[] {
  if (only === undefined) return steps;
  const texts = only.split(",");
  return steps.filter(({ name }) => texts.some((text) => name.includes(text)));
}

function packedCommit(): string {
  const file = path.join(root, "commit");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "a working tree";
}

function line({ step, outcome, why, seconds, rows }: StepResult): string {
  const wrong = rows.filter(({ right }) => right === false).length;
  const words = why ?? (wrong === 0 ? "" : `${wrong} of ${rows.length} wrong`);
  return `${outcome} ${step} (${seconds.toFixed(1)} s)${words === "" ? "" : `: ${words}`}`;
}

await main();
