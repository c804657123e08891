import { numericsPart } from "#domain/numerics.ts";
import type { Arithmetic } from "#engine/arithmetic.ts";
import type { Provider } from "#graph/profile.ts";
import { ownMachine, versionOf } from "./own-machine.ts";
import { type Machine, processorKernels } from "./processor-kernels.ts";

/** Packages whose version is the runtime's. A provider that brings a runtime of its own says so itself (`Runtime.arithmetic`). */
const packages: Readonly<Record<Provider, string>> = {
  cpu: "onnxruntime-node",
  wasm: "onnxruntime-web",
  webgpu: "onnxruntime-node",
  // The library is the package's own; its provider files are of the same version.
  cuda: "onnxruntime-node",
};

/**
 * Says which arithmetic a provider computes with: what its runtime tells, else what this machine says. Rows are `alone`: they are
 * packed with others' only where that was seen to change no bit (`row-independence.ts`). The number of threads is no part of
 * it: 1 to 4 threads gave equal bits in every format.
 */
export function arithmeticOf(
  provider: Provider,
  told: Partial<Omit<Arithmetic, "provider">> = {},
): Arithmetic {
  const { runtime, kernels, rows = "alone" } = told;
  if (runtime !== undefined && kernels !== undefined) return { provider, runtime, kernels, rows };
  return { ...machineArithmetic(provider, ownMachine(), versionOf), rows, ...told };
}

/** As `arithmeticOf`, of any machine; `versionOf` says the version of a package. */
export function machineArithmetic(
  provider: Provider,
  machine: Machine,
  versionOf: (name: string) => string,
): Arithmetic {
  const name = packages[provider];
  return {
    provider,
    runtime: numericsPart(`${name}-${versionOf(name)}`),
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
