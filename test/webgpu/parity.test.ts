import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { runParity } from "#cli/parity.ts";
import { describeOnVulkan } from "../support/software-vulkan.ts";

const reference = path.resolve("test/fixtures/reference");

/**
 * One picture, the sampler's own runs and its hook's with a kept prefix, a tower of one layer in the real model's widths, and one of convolutions. All cases take some minutes:
 * `npm run parity -- --provider webgpu`.
 */
const slice = ["c01_conv_40x90", "p01_square56_grad", "p14_fast_prefix_cache", "p17_real_geometry"];

describeOnVulkan("parity on WebGPU", () => {
  test("a slice of the reference's cases gives its tokens, whole passes and kept prefixes", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "unmask-parity-"));
    try {
      for (const checkpoint of ["tiny-a", "tiny-real", "tiny-conv"])
        await cp(path.join(reference, checkpoint), path.join(folder, checkpoint), {
          recursive: true,
        });
      for (const name of slice)
        await cp(path.join(reference, "cases", name), path.join(folder, "cases", name), {
          recursive: true,
        });
      let output = "";
      const sink = {
        write(text: string) {
          output += text;
        },
      };
      const code = await runParity([folder, "--provider", "webgpu"], {
        ...{ stdout: sink, stderr: sink, env: {}, cwd: process.cwd(), isTTY: false },
        signal: new AbortController().signal,
      });
      expect(output.split("\n").filter((line) => /^(failed|skipped)/.test(line))).toEqual([]);
      expect(output).toContain("run 0 baseline webgpu");
      expect(output).toContain("p14_fast_prefix_cache run 9 fast webgpu");
      expect(code).toBe(EXIT.done);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
