import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { type NumericsClass, numericsPart } from "#domain/numerics.ts";
import type { Provider } from "#graph/profile.ts";
import { type Machine, processorKernels } from "./processor-kernels.ts";

/** Of a numerics class what the machine and its runtime decide; the model makes it whole. */
export type Arithmetic = Omit<NumericsClass, "model">;

/** Packages whose version is the runtime's. A provider that brings a runtime of its own says so itself (`Runtime.arithmetic`). */
const packages: Readonly<Record<Provider, string>> = {
  cpu: "onnxruntime-node",
  wasm: "onnxruntime-web",
  webgpu: "onnxruntime-node",
  // The library is the package's own; its provider files are of the same version.
  cuda: "onnxruntime-node",
};

/**
 * Says which arithmetic a provider computes with on this machine. Rows are `alone`: they are packed with others' only where
 * that was seen to change no bit (`row-independence.ts`). The number of threads is no part of it: 1 to 4 threads gave equal
 * bits in every format.
 */
export function arithmeticOf(provider: Provider, machine: Machine = thisMachine()): Arithmetic {
  const runtime = packages[provider];
  return {
    provider,
    runtime: numericsPart(`${runtime}-${versionOf(runtime)}`),
    kernels: kernelsOf(provider, machine),
    rows: "alone",
  };
}

function kernelsOf(provider: Provider, machine: Machine): string {
  switch (provider) {
    case "cpu":
      return processorKernels(machine);
    case "wasm":
      // The same on every machine: its instructions are fixed, relaxed ones are not used.
      return "simd128";
    case "webgpu":
    case "cuda":
      // Until its runtime names the device: two machines are never taken for one class.
      return numericsPart(`host-${machine.host}`);
    default:
      return provider satisfies never;
  }
}

/** Read from its folder, without loading it: not every package gives its `package.json` out by name. */
function versionOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  const folder = entry.slice(0, entry.lastIndexOf(path.join(name, path.sep)) + name.length);
  const text = readFileSync(path.join(folder, "package.json"), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

function thisMachine(): Machine {
  const model = os.cpus()[0]?.model ?? "";
  return { architecture: process.arch, model, host: os.hostname(), cpuinfo: readCpuinfo() };
}

/** Only Linux has it. */
function readCpuinfo(): string | undefined {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return undefined;
  }
}
