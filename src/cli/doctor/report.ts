import type { PassedOver, ProviderChoice } from "#inference/machine/choose-provider.ts";
import type { Machine, Trouble } from "#inference/machine/findings.ts";
import { engineProviders } from "#inference/runtime/node-engine.ts";
import { gigabytes } from "../models/needs.ts";

type ProviderName = (typeof engineProviders)[number];

/** Tells a person what a machine can run, and of all the rest why not and what to do. */
export function tellMachine(machine: Machine, choice: ProviderChoice): string {
  return [
    line("Node", nodeText(machine)),
    line("Platform", `${machine.platform} on ${machine.architecture}`),
    line("Processor", processorText(machine)),
    line("Memory", memoryText(machine)),
    "",
    ...engineProviders.flatMap((provider) => providerLines(provider, machine)),
    "",
    ...choiceLines(choice),
  ]
    .map((text) => `${text}\n`)
    .join("");
}

function line(name: string, text: string): string {
  return `${name.padEnd(11)}${text}`;
}

function nodeText({ node }: Machine): string {
  return node.isNewEnough
    ? node.version.slice(1)
    : `${node.version.slice(1)}, which is too old: 24 or newer`;
}

function processorText({ processor: { name, cores, features } }: Machine): string {
  const told =
    features === undefined
      ? ""
      : `; ${features.length === 0 ? "no vector instructions that matter" : features.join(", ")}`;
  return `${name}, ${cores} ${cores === 1 ? "core" : "cores"}${told}`;
}

function memoryText({ memory: { totalBytes, freeBytes } }: Machine): string {
  return `${gigabytes(totalBytes)}, ${gigabytes(freeBytes)} free`;
}

function providerLines(provider: ProviderName, machine: Machine): readonly string[] {
  const { troubles } = machine[provider];
  return [
    line(
      provider,
      troubles.length === 0 ? `runs here${shortcoming(provider, machine)}` : "cannot run here",
    ),
    ...troubles.flatMap(troubleLines),
    ...detailLines(provider, machine),
  ];
}

function shortcoming(provider: ProviderName, { webgpu, processor }: Machine): string {
  if (provider === "webgpu" && webgpu.isReal === false) {
    return ", on a driver that computes on the processor: for trials, not for use";
  }
  const { features } = processor;
  const isSlow =
    provider === "cpu" &&
    features !== undefined &&
    !features.includes("avx2") &&
    !features.includes("asimddp");
  return isSlow ? ", slowly: the processor lacks AVX2" : "";
}

function troubleLines({ kind, why, next }: Trouble): readonly string[] {
  return [line("", `${why} [${kind}]`), line("", `→ ${next}`)];
}

function detailLines(provider: ProviderName, { webgpu, cuda }: Machine): readonly string[] {
  if (provider === "webgpu") {
    return (webgpu.vulkan?.adapters ?? []).map(({ name, kind, memoryBytes, vulkan }) =>
      line("", `device: ${name} (${kind}), ${gigabytes(memoryBytes)}, Vulkan ${vulkan}`),
    );
  }
  if (provider !== "cuda") return [];
  const { driver } = cuda;
  return [
    ...(driver === undefined
      ? []
      : [
          line("", `driver: ${driver.version ?? "of unknown version"}, CUDA ${driver.cudaVersion}`),
          ...driver.gpus.map(({ name, memoryBytes, freeBytes, computeCapability }) =>
            line(
              "",
              `device: ${name} (compute capability ${computeCapability}), ${gigabytes(memoryBytes)}, ${gigabytes(freeBytes)} free`,
            ),
          ),
        ]),
    line("", `files: ${cuda.files} (${cuda.folder})`),
  ];
}

function choiceLines(choice: ProviderChoice): readonly string[] {
  if (choice.kind === "refused") {
    return [`provider ${choice.provider} cannot run here: ${choice.why}`, `→ ${choice.next}`];
  }
  return [`--provider auto takes ${choice.provider}`, ...choice.passedOver.map(passedOverLine)];
}

function passedOverLine({ provider, why }: PassedOver): string {
  return `  not ${provider}: ${why}`;
}
