// Runs Node with software Vulkan in its environment where the machine has no GPU that would answer, and as it is where it has one:
//
//   node infra/gpu-check/on-software-vulkan.ts FILE ARGUMENTS…

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { findSoftwareVulkan } from "./software-vulkan.ts";

/** Whether the kernel shows a GPU to this machine's processes; where it is no Linux the system's own drivers are asked. */
function mayHaveGpu(): boolean {
  if (process.platform !== "linux" || existsSync("/dev/nvidiactl")) return true;
  return (
    existsSync("/dev/dri") && readdirSync("/dev/dri").some((name) => name.startsWith("render"))
  );
}

const software = mayHaveGpu() ? undefined : findSoftwareVulkan();
const environment = software?.ok === true ? software.value.environment : {};
const child = spawn(process.execPath, process.argv.slice(2), {
  stdio: "inherit",
  env: { ...process.env, ...environment },
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal !== null) process.stderr.write(`ended by ${signal}\n`);
  process.exitCode = code ?? 1;
});
