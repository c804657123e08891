import { expect, test } from "vitest";
import { EXIT } from "#cli/command.ts";
import { runParity } from "#cli/parity.ts";
import { isFull } from "../support/full.ts";
import { referenceSlice } from "../support/reference-slice.ts";
import { describeOnVulkan } from "../support/software-vulkan.ts";

/**
 * One picture, the sampler's own runs and its hook's with a kept prefix, a tower of one layer in the real model's widths, and one of convolutions;
 * without `npm run test:full` the last and the kept prefix. All cases take some minutes: `npm run parity -- --provider webgpu`.
 */
const cases = [
  ...["c01_conv_40x90", "p14_fast_prefix_cache"],
  ...(isFull ? ["p01_square56_grad", "p17_real_geometry"] : []),
];

describeOnVulkan("parity on WebGPU", () => {
  test("a slice of the reference's cases gives its tokens, whole passes and kept prefixes", async () => {
    await using slice = await referenceSlice(cases);
    let output = "";
    const sink = {
      write(text: string) {
        output += text;
      },
    };
    const code = await runParity([slice.folder, "--provider", "webgpu"], {
      ...{ stdout: sink, stderr: sink, env: {}, cwd: process.cwd(), isTTY: false },
      signal: new AbortController().signal,
    });
    expect(output.split("\n").filter((line) => /^(failed|skipped)/.test(line))).toEqual([]);
    expect(output).toContain("run 0 baseline webgpu");
    expect(output).toContain("p14_fast_prefix_cache run 9 fast webgpu");
    expect(code).toBe(EXIT.done);
  });
});
