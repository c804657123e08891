import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import type { Machine } from "./processor-kernels.ts";

/** This machine, as far as it decides what its kernels compute. */
export function ownMachine(): Machine {
  const model = os.cpus()[0]?.model ?? "";
  return { architecture: process.arch, model, host: os.hostname(), cpuinfo: readCpuinfo() };
}

/** Version of an installed package, read from its folder without loading it: not every package gives its `package.json` out by name. */
export function versionOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  const folder = entry.slice(0, entry.lastIndexOf(path.join(name, path.sep)) + name.length);
  const text = readFileSync(path.join(folder, "package.json"), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

/** Only Linux has it. */
function readCpuinfo(): string | undefined {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return undefined;
  }
}
