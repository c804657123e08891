import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CudaFindings } from "#inference/machine/findings.ts";
import { runProbe } from "#inference/machine/run-probe.ts";

const hasCompiler = process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0;
if (!hasCompiler) {
  console.warn("skipped: the double of NVIDIA's driver (it is compiled by cc, which is not here)");
}

describe.runIf(hasCompiler)("a machine with a double of NVIDIA's driver", () => {
  let home: string;
  beforeAll(() => {
    home = mkdtempSync(path.join(tmpdir(), "driver-"));
  });
  afterAll(() => rmSync(home, { recursive: true }));

  /** What a probe finds where the driver answers so. */
  async function found(
    name: string,
    answers: Readonly<Record<"VERSION" | "STATUS" | "COUNT", number>>,
  ): Promise<CudaFindings> {
    const folder = path.join(home, name);
    mkdirSync(folder);
    execFileSync("cc", [
      ...[
        "-shared",
        "-fPIC",
        "-w",
        "-Wl,-soname,libcuda.so.1",
        "-o",
        path.join(folder, "libcuda.so.1"),
      ],
      ...Object.entries(answers).map(([key, value]) => `-D${key}=${value}`),
      "test/fixtures/cuda/libcuda.c",
    ]);
    const env = { PATH: process.env["PATH"], HOME: home, LD_LIBRARY_PATH: folder };
    const result = await runProbe<CudaFindings>("cuda", {
      env,
      signal: new AbortController().signal,
    });
    if (!("found" in result)) throw new Error(result.trouble.why);
    return result.found;
  }

  test("is found with its cards, their memory and their compute capability; what it lacks are the provider's files", async () => {
    const { driver, troubles, files } = await found("good", {
      VERSION: 13_000,
      STATUS: 0,
      COUNT: 2,
    });
    expect(driver).toMatchObject({
      cudaVersion: "13.0",
      gpus: [
        {
          name: "NVIDIA H100 80GB HBM3",
          memoryBytes: 85_045_346_304,
          freeBytes: 84_000_000_000,
          computeCapability: "9.0",
        },
        { name: "another" },
      ],
    });
    expect(files).toBe("missing");
    expect(troubles).toMatchObject([{ kind: "files_missing" }]);
  });

  test("is told that the driver is too old", async () => {
    const { troubles } = await found("old", { VERSION: 12_080, STATUS: 0, COUNT: 1 });
    expect(troubles).toMatchObject([
      { kind: "driver_too_old", why: expect.stringContaining("runs CUDA 12.8 at the most") },
    ]);
  });

  test("is told that no card is there", async () => {
    const { troubles } = await found("empty", { VERSION: 13_000, STATUS: 100, COUNT: 0 });
    expect(troubles).toMatchObject([{ kind: "no_gpu" }]);
  });
});
