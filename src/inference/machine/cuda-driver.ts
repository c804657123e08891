import { readFileSync } from "node:fs";
import { type Koffi, loadKoffi, openLibrary } from "../engine/c-api/koffi.ts";
import type { CudaDriver, CudaGpu, Trouble } from "./findings.ts";

/** CUDA 13.0, which the provider is built for. Source: the wheel's own `cuda_version`. */
const NEEDED_CUDA = 13_000;

/** Source: CUresult in cuda.h. */
const NO_DEVICE = 100;

/** Attributes 75 and 76: major and minor compute capability. Source: CUdevice_attribute in cuda.h. */
const CAPABILITY = [75, 76] as const;

/** The oldest card that the provider has code for. Source: its cubins, sm_75 to sm_120. */
const OLDEST_CAPABILITY = 7.5;

/** What NVIDIA's driver says of itself and its cards. To be run in a process of its own. */
export async function findCudaDriver(): Promise<{
  readonly driver?: CudaDriver;
  readonly troubles: readonly Trouble[];
}> {
  const koffi = await loadKoffi();
  let library: ReturnType<Koffi["load"]>;
  try {
    library = openLibrary(koffi, "libcuda.so.1");
  } catch {
    return {
      troubles: [
        {
          kind: "driver_missing",
          why: "the NVIDIA driver is not installed, or not visible in this container (libcuda.so.1 is not found)",
          next: "Install NVIDIA's driver 580 or newer; in a container, start it with the GPU passed in",
        },
      ],
    };
  }
  const call = caller(library);
  const version = call.integer("cuDriverGetVersion", []);
  const state = call.status("cuInit", 0);
  const count = state === 0 ? call.integer("cuDeviceGetCount", []) : 0;
  const gpus = Array.from({ length: count }, (_, index) => describeGpu(call, index));
  const own = driverVersion();
  const driver = {
    cudaVersion: `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`,
    ...(own === undefined ? {} : { version: own }),
    gpus,
  };
  return { driver, troubles: troublesOf(driver, version, state) };
}

/** What a driver's answers mean for the provider. */
export function troublesOf(driver: CudaDriver, version: number, state: number): readonly Trouble[] {
  if (version < NEEDED_CUDA) {
    return [
      {
        kind: "driver_too_old",
        why: `the NVIDIA driver runs CUDA ${driver.cudaVersion} at the most, the provider is built for 13.0`,
        next: "Update NVIDIA's driver to 580 or newer",
      },
    ];
  }
  if (state === NO_DEVICE || (state === 0 && driver.gpus.length === 0)) {
    return [
      {
        kind: "no_gpu",
        why: "the NVIDIA driver finds no GPU",
        next: "See what nvidia-smi lists; CUDA_VISIBLE_DEVICES may hide it",
      },
    ];
  }
  if (state !== 0) {
    return [
      {
        kind: "driver_broken",
        why: `the NVIDIA driver does not start (cuInit: ${state})`,
        next: "See what nvidia-smi says; after an update of the driver the machine is to be started anew",
      },
    ];
  }
  if (driver.gpus.every((gpu) => Number(gpu.computeCapability) < OLDEST_CAPABILITY)) {
    return [
      {
        kind: "gpu_too_old",
        why: `no GPU has compute capability 7.5 or more (${driver.gpus.map((gpu) => `${gpu.name}: ${gpu.computeCapability}`).join(", ")})`,
        next: "Use provider webgpu, or a newer card",
      },
    ];
  }
  return [];
}

interface Caller {
  status(name: string, flags: number): number;
  /** Calls a function that writes a whole number, then takes the given ones. */
  integer(name: string, given: readonly number[]): number;
  raw(name: string, kinds: readonly string[], ...given: readonly unknown[]): number;
}

function caller(library: ReturnType<Koffi["load"]>): Caller {
  const raw: Caller["raw"] = (name, kinds, ...given) =>
    library.func(name, "int", [...kinds])(...given);
  return {
    raw,
    status: (name, flags) => raw(name, ["uint32_t"], flags),
    integer(name, given) {
      const slot = new Int32Array(1);
      raw(name, ["void *", ...given.map(() => "int")], slot, ...given);
      return slot[0] ?? 0;
    },
  };
}

function describeGpu(call: Caller, index: number): CudaGpu {
  const device = call.integer("cuDeviceGet", [index]);
  const name = new Uint8Array(256);
  call.raw("cuDeviceGetName", ["void *", "int", "int"], name, name.length, device);
  const text = new TextDecoder().decode(name);
  const total = new BigUint64Array(1);
  call.raw("cuDeviceTotalMem_v2", ["void *", "int"], total, device);
  return {
    name: text.slice(0, text.indexOf("\0")),
    memoryBytes: Number(total[0]),
    freeBytes: freeBytes(call, device),
    computeCapability: CAPABILITY.map((attribute) =>
      call.integer("cuDeviceGetAttribute", [attribute, device]),
    ).join("."),
  };
}

/** Only a context knows what is free; the device's own is taken for a moment. 0 where it cannot be had. */
function freeBytes(call: Caller, device: number): number {
  const context = new BigUint64Array(1);
  if (call.raw("cuDevicePrimaryCtxRetain", ["void *", "int"], context, device) !== 0) return 0;
  const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
  call.raw("cuCtxSetCurrent", ["void *"], context[0]);
  call.raw("cuMemGetInfo_v2", ["void *", "void *"], free, total);
  call.raw("cuDevicePrimaryCtxRelease_v2", ["int"], device);
  return Number(free[0]);
}

/** "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  …" */
function driverVersion(): string | undefined {
  try {
    const text = readFileSync("/proc/driver/nvidia/version", "utf8");
    return /\s(\d{3}\.\d+(?:\.\d+)?)\s/.exec(text)?.[1];
  } catch {
    return undefined; // No such kernel module, or no such file in a container.
  }
}
