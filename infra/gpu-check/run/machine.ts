import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";

/** What the figures were taken on. */
export interface Machine {
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly freeGB: number;
  readonly node: string;
  /** As the driver names them; empty where there is no driver. */
  readonly gpus: readonly Gpu[];
}

export interface Gpu {
  readonly name: string;
  readonly memoryMB: number;
  readonly driver: string;
  readonly computeCapability: string;
}

export function surveyMachine(): Machine {
  const gigabytes = (bytes: number): number => Number((bytes / 1e9).toFixed(1));
  return {
    system: `${osName()}, ${process.platform}-${process.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGB: gigabytes(totalmem()),
    freeGB: gigabytes(freemem()),
    node: process.versions.node,
    gpus: gpus(),
  };
}

function osName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  } catch {
    return process.platform;
  }
}

function gpus(): readonly Gpu[] {
  const fields = "name,memory.total,driver_version,compute_cap";
  try {
    const said = execFileSync(
      "nvidia-smi",
      [`--query-gpu=${fields}`, "--format=csv,noheader,nounits"],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 20_000 },
    );
    return said
      .trim()
      .split("\n")
      .map((line) => line.split(", "))
      .map(([name = "", memory = "", driver = "", computeCapability = ""]) => ({
        name,
        driver,
        computeCapability,
        memoryMB: Number(memory),
      }));
  } catch {
    // No driver of NVIDIA's: nothing to name.
    return [];
  }
}
