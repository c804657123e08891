import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { DevicePassFigures } from "./device-side.ts";

/** What the child may say on its standard output. */
const MAX_OUTPUT_BYTES: number = 1024 * 1024;

/**
 * Measures the passes of an answer on WebGPU: sessions run and bytes over the border, which are the same on every device, and the time,
 * which on software Vulkan says nothing.
 */
export async function deviceReport(
  shape: string,
  layers: number,
  prompt: number,
): Promise<readonly (readonly [string, string])[]> {
  const side = new URL("./device-side.ts", import.meta.url).pathname;
  const launcher = new URL("../../infra/gpu-check/on-software-vulkan.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [launcher, side, shape, String(layers), String(prompt)],
    { maxBuffer: MAX_OUTPUT_BYTES },
  );
  const figures = JSON.parse(stdout) as readonly DevicePassFigures[];
  const kilobytes = (bytes: number): string => `${(bytes / 1e3).toFixed(1)} kB`;
  return [
    [
      "webgpu, q4 in blocks of 32",
      `${layers} layers of ${shape}, prompt of ${prompt}, canvas of 32`,
    ],
    ...figures.flatMap(({ pass, runs, bytesToDevice, bytesFromDevice, wallMs }) => [
      [`  a pass, refresh ${pass}`, `${wallMs.toFixed(0)} ms`] as const,
      ["    sessions run", `${runs}`] as const,
      ["    to the device", kilobytes(bytesToDevice)] as const,
      ["    from the device", kilobytes(bytesFromDevice)] as const,
    ]),
  ];
}
