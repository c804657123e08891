import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Report } from "../../infra/gpu-check/run/report.ts";
import { softwareVulkan } from "../support/software-vulkan.ts";

let out = "";
beforeAll(async () => {
  out = await mkdtemp(path.join(tmpdir(), "unmask-gpu-check-test-"));
});
afterAll(() => rm(out, { recursive: true, force: true }));

describe("the check on a machine without a GPU", () => {
  test("tells what it has measured, failed and skipped, as JSON and as tables", async () => {
    const only = ["empty run", "self-test q4 on cpu", "attention split"].join(",");
    const args = ["infra/gpu-check/run/main.ts", "--out", out, "--only", only, "--budget", "60"];
    const env = { PATH: "/usr/bin:/bin", ...softwareVulkan?.environment };
    await promisify(execFile)(process.execPath, args, { env });
    const report: Report = JSON.parse(await readFile(path.join(out, "gpu-check.json"), "utf8"));
    expect(report).toMatchObject({ version: 1, small: true, machine: { gpus: [] } });
    const outcomes = report.results.map(({ step, outcome, why }) => [step, outcome, why]);
    expect(outcomes).toContainEqual(["provider on cuda", "skipped", "nvidia-smi finds no GPU"]);
    expect(outcomes).toContainEqual(["self-test q4 on cpu", "measured", undefined]);
    if (softwareVulkan === null) return;
    expect(report.vulkan).toContain("which computes on the CPU");
    const attention = report.results.find(({ step }) => step === "attention split on webgpu");
    expect(attention?.rows.map(({ rows, right }) => [rows, right])).toEqual(
      [24, 32, 64, 1032].map((rows) => [rows, true]),
    );
    const text = await readFile(path.join(out, "gpu-check.md"), "utf8");
    expect(text).toContain("| webgpu | split | 32 | yes |");
  }, 120_000);
});
