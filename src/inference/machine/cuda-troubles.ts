import type { DriverReading } from "../runtime/cuda/cuda-driver.ts";
import type { Trouble } from "./findings.ts";

/** What the provider is built for. Source: the wheel's own `cuda_version`. */
const NEEDED_CUDA = 13;

/** Source: CUDA_ERROR_NO_DEVICE of CUresult in cuda.h. */
const NO_DEVICE = 100;

/** The oldest card that the provider has code for. Source: its cubins, sm_75 to sm_120. */
const OLDEST_CAPABILITY = 7.5;

/** What a driver's answers mean for the provider; none was found where there is no reading. */
export function driverTroubles(reading: DriverReading | undefined): readonly Trouble[] {
  if (reading === undefined) {
    return [
      {
        kind: "driver_missing",
        why: "the NVIDIA driver is not installed, or not visible in this container (libcuda.so.1 is not found)",
        next: "Install NVIDIA's driver 580 or newer; in a container, start it with the GPU passed in",
      },
    ];
  }
  const { driver, status } = reading;
  if (Number(driver.cudaVersion) < NEEDED_CUDA) {
    return [
      {
        kind: "driver_too_old",
        why: `the NVIDIA driver runs CUDA ${driver.cudaVersion} at the most, the provider is built for 13.0`,
        next: "Update NVIDIA's driver to 580 or newer",
      },
    ];
  }
  if (status === NO_DEVICE || (status === 0 && driver.gpus.length === 0)) {
    return [
      {
        kind: "no_gpu",
        why: "the NVIDIA driver finds no GPU",
        next: "See what nvidia-smi lists; CUDA_VISIBLE_DEVICES may hide it",
      },
    ];
  }
  if (status !== 0) {
    return [
      {
        kind: "driver_broken",
        why: `the NVIDIA driver does not start (cuInit: ${status})`,
        next: "See what nvidia-smi says; after an update of the driver the machine is to be started anew",
      },
    ];
  }
  if (driver.gpus.every(({ computeCapability }) => Number(computeCapability) < OLDEST_CAPABILITY)) {
    const cards = driver.gpus.map((gpu) => `${gpu.name}: ${gpu.computeCapability}`).join(", ");
    return [
      {
        kind: "gpu_too_old",
        why: `no GPU has compute capability 7.5 or more (${cards})`,
        next: "Use provider webgpu, or a newer card",
      },
    ];
  }
  return [];
}
