import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAX_PACK_BYTES, type Packed, pack } from "../../infra/gpu-check/pack/pack.ts";
import type { Report } from "../../infra/gpu-check/run/report.ts";
import { findSoftwareVulkan } from "../../infra/gpu-check/software-vulkan.ts";

const MINUTES = 60_000;
const LEAST_EFFORT = 1;

const software = findSoftwareVulkan({ SOFTWARE_VULKAN: "swiftshader" });

let work = "";
let packed: Packed = { files: [], bytes: 0 };
beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), "unmask-pack-full-"));
  packed = await pack({
    ...{ root: path.resolve("."), folder: path.join(work, "pack"), level: LEAST_EFFORT },
    ...(software.ok ? { swiftShader: path.dirname(software.value.loader) } : {}),
    say: () => undefined,
  });
}, 5 * MINUTES);
afterAll(() => rm(work, { recursive: true, force: true }));

describe("a pack", () => {
  test("is small enough to be carried, also where little effort went into it", () => {
    expect(packed.files.map(({ name }) => name)).toEqual([
      ...["node.tar.xz", "runtime.tar.xz", "code.tar.xz", "run.sh", "SHA256SUMS"],
    ]);
    expect(packed.bytes).toBeLessThanOrEqual(MAX_PACK_BYTES);
  });

  test(
    "runs where there is no Node and no variable but PATH, and tells every provider's self-tests and tokens",
    async () => {
      const report = await run("empty run,self-test q4,tokens,answers w8a8,load on cpu");
      expect(report.seconds).toBeLessThan(300);
      const cpu = report.results.filter(({ provider }) => provider === "cpu");
      expect(cpu.filter(({ outcome }) => outcome !== "measured")).toEqual([]);
      expect(cpu.flatMap(({ rows }) => rows).filter(({ right }) => right === false)).toEqual([]);
      if (!software.ok) return;
      const webgpu = report.results.filter(({ provider }) => provider === "webgpu");
      const tokens = webgpu.find(({ measure }) => measure === "tokens");
      expect(tokens).toMatchObject({ outcome: "measured" });
      expect(tokens?.rows.filter(({ right }) => right !== true)).toEqual([]);
    },
    6 * MINUTES,
  );

  test("is not run where an archive is not what was packed", async () => {
    const archive = path.join(work, "pack/code.tar.xz");
    const bytes = await readFile(archive);
    await promisify(execFile)("sh", ["-c", 'printf x >> "$0"', archive]);
    await expect(run("none")).rejects.toThrow("an archive is not what was packed");
    await promisify(execFile)("truncate", ["-s", String(bytes.length), archive]);
  });
});

async function run(only: string): Promise<Report> {
  const out = path.join(work, "out");
  const script = path.join(work, "pack/run.sh");
  const command = ["-i", "PATH=/usr/bin:/bin", "sh", script, "--out", out, "--only", only];
  await promisify(execFile)("env", command, { maxBuffer: 2 ** 24 });
  return JSON.parse(await readFile(path.join(out, "gpu-check.json"), "utf8"));
}
