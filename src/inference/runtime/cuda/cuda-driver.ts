import { readFileSync } from "node:fs";
import { type Koffi, loadKoffi, openLibrary } from "../c-api/koffi.ts";

/** One card as NVIDIA's driver describes it. */
export interface CudaGpu {
  readonly name: string;
  readonly memoryBytes: number;
  /** What nobody uses at the moment; 0 where it was not asked for or cannot be told. */
  readonly freeBytes: number;
  /** As in "9.0". */
  readonly computeCapability: string;
}

export interface CudaDriver {
  /** The newest CUDA that it runs, as in "13.0". */
  readonly cudaVersion: string;
  /** Its own version, as in "580.65.06", where the kernel tells it. */
  readonly version?: string;
  readonly gpus: readonly CudaGpu[];
}

/** What a driver says, and how it started: 0, or a `CUresult` of cuda.h. */
export interface DriverReading {
  readonly driver: CudaDriver;
  readonly status: number;
}

/** Attributes 75 and 76: major and minor compute capability. Source: CUdevice_attribute in cuda.h. */
const CAPABILITY = [75, 76] as const;

/**
 * Asks NVIDIA's driver for itself and its cards; undefined where there is none. Drivers crash: what need not be known in this process
 * is to be asked in another.
 *
 * @param asksFree whether to find out how much memory is free, which takes a context on each card for a moment
 */
export async function readCudaDriver(asksFree: boolean): Promise<DriverReading | undefined> {
  const koffi = await loadKoffi();
  let library: ReturnType<Koffi["load"]>;
  try {
    library = openLibrary(koffi, "libcuda.so.1");
  } catch {
    return undefined;
  }
  const call = caller(library);
  const version = call.integer("cuDriverGetVersion", []);
  const status = call.status("cuInit", 0);
  const count = status === 0 ? call.integer("cuDeviceGetCount", []) : 0;
  const own = driverVersion();
  const driver = {
    cudaVersion: `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`,
    ...(own === undefined ? {} : { version: own }),
    gpus: Array.from({ length: count }, (_, index) => describeGpu(call, index, asksFree)),
  };
  return { driver, status };
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

function describeGpu(call: Caller, index: number, asksFree: boolean): CudaGpu {
  const device = call.integer("cuDeviceGet", [index]);
  const name = new Uint8Array(256);
  call.raw("cuDeviceGetName", ["void *", "int", "int"], name, name.length, device);
  const text = new TextDecoder().decode(name);
  const total = new BigUint64Array(1);
  call.raw("cuDeviceTotalMem_v2", ["void *", "int"], total, device);
  return {
    name: text.slice(0, text.indexOf("\0")),
    memoryBytes: Number(total[0]),
    freeBytes: asksFree ? freeBytes(call, device) : 0,
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
  call.raw("cuCtxSetCurrent", ["void *"], null);
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
