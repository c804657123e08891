import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandIo, UsageError } from "#cli/command.ts";
import type { WeightPatch } from "#cli/parity/reference-case.ts";
import { runParity } from "#cli/parity.ts";
import { isFull } from "../support/full.ts";
import { referenceSlice } from "../support/reference-slice.ts";

const reference = path.resolve("test/fixtures/reference");

async function parity(...args: string[]): Promise<{ code: number; lines: string[] }> {
  let output = "";
  const sink = {
    write: (text: string) => {
      output += text;
    },
  };
  const io: CommandIo = {
    stdout: sink,
    stderr: sink,
    env: {},
    cwd: process.cwd(),
    isTTY: false,
    signal: new AbortController().signal,
  };
  const code = await runParity(args, io);
  return { code, lines: output.trimEnd().split("\n") };
}

/** The parts of `case.json` that tests change. */
interface CaseDraft {
  special_ids: { suppressed: number[] };
  config_override?: Record<string, unknown>;
  weight_patch?: WeightPatch;
  runs: {
    mode: string;
    mask_id: number;
    prefix_refresh_interval?: number;
    trace: { tok: number[] }[];
  }[];
}

/** The hook with a kept prefix, text alone with the other samplers, and a tower of convolutions. */
const sliceOnWasm = ["p14_fast_prefix_cache", "p16_nv_fastdllm_text", "c01_conv_40x90"];

describe("parity over the reference cases", () => {
  // All of them on wasm too in `npm run test:full`.
  test.each(isFull ? ["cpu", "wasm"] : ["cpu"])(
    "every run of the modes that are offered gives the reference's tokens on %s, and the others are skipped with the reason",
    {
      timeout: 120_000,
    },
    async (provider) => {
      const { code, lines } = await parity("--provider", provider);
      expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
      expect(code).toBe(0);
      const skipped = lines.filter((line) => line.startsWith("skipped"));
      const modes = skipped.map((line) => /: mode (\w+): .{20,}/.exec(line)?.[1]);
      expect(new Set(modes)).toEqual(new Set(["dllm_cache", "nv_dual_cache"]));
      const passed = lines.filter((line) => line.startsWith("passed"));
      const runs = passed.filter((line) => / run \d+ baseline /.test(line));
      expect(runs.length).toBeGreaterThanOrEqual(42);
      const textOnly = passed.filter((line) => line.includes("p16_nv_fastdllm_text run"));
      expect(textOnly.map((line) => line.split(":")[0])).toEqual([
        `passed p16_nv_fastdllm_text run 0 nv_generate ${provider}`,
        `passed p16_nv_fastdllm_text run 1 nv_generate ${provider}`,
        `passed p16_nv_fastdllm_text run 2 nv_prefix_cache ${provider}`,
        `passed p16_nv_fastdllm_text run 3 nv_prefix_cache ${provider}`,
        `passed p16_nv_fastdllm_text run 8 nv_prefix_cache ${provider}`,
      ]);
      // Ten runs of the hook with a kept prefix: three on the schedule, seven by the factor rule; two more in other cases.
      expect(passed.filter((line) => / run \d+ fast /.test(line))).toHaveLength(12);
      expect(passed).toContainEqual(expect.stringContaining("pure/fast_threshold_rule.json"));
      expect(lines.at(-1)).toMatch(/^\d+ passed, 0 failed, \d+ skipped$/);
    },
  );
});

test.skipIf(isFull)(
  "a slice of the reference's cases gives its tokens on wasm: whole passes and kept prefixes, pictures and text",
  async () => {
    await using slice = await referenceSlice(sliceOnWasm);
    const { code, lines } = await parity(slice.folder, "--provider", "wasm");
    expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
    expect(code).toBe(0);
    const passed = lines
      .filter((line) => line.startsWith("passed"))
      .map((line) => line.split(":")[0]);
    expect(passed).toEqual(
      expect.arrayContaining([
        "passed p14_fast_prefix_cache run 9 fast wasm",
        "passed p16_nv_fastdllm_text run 8 nv_prefix_cache wasm",
        "passed c01_conv_40x90 run 0 baseline wasm",
      ]),
    );
  },
);

describe("parity over a small folder", () => {
  let folder: string;
  const caseFile = () => path.join(folder, "cases/p11_prompt_has_mask_tokens/case.json");

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "parity-"));
    const parts = ["tiny-a", "resize", "cases/p11_prompt_has_mask_tokens"];
    for (const part of parts) {
      await cp(path.join(reference, part), path.join(folder, part), { recursive: true });
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** What parity says once the case has been changed; the case is put back afterwards. */
  async function parityOfChanged(change: (file: CaseDraft) => void) {
    const original = await readFile(caseFile(), "utf8");
    const changed: CaseDraft = JSON.parse(original);
    change(changed);
    await writeFile(caseFile(), JSON.stringify(changed));
    const { code, lines } = await parity(folder, "--provider", "cpu");
    await writeFile(caseFile(), original);
    return { code, lines, failed: lines.filter((line) => line.startsWith("failed")) };
  }

  test("tells a wrong token by run, step and place, and exits with 1", async () => {
    const { code, lines, failed } = await parityOfChanged((file) => {
      file.runs[1]!.trace[2]!.tok[0]! += 1;
    });
    expect(code).toBe(1);
    expect(failed).toEqual([
      expect.stringMatching(
        /^failed p11_prompt_has_mask_tokens run 1 baseline cpu: block 0 step 2 /,
      ),
    ]);
    expect(lines.at(-1)).toBe("4 passed, 1 failed, 0 skipped");
  });

  test("fails a run whose passes went over other positions: a kept prefix must have spared exactly those", async () => {
    const { failed } = await parityOfChanged((file) => {
      file.runs[1]!.mode = "fast";
      file.runs[1]!.prefix_refresh_interval = 2;
    });
    expect(failed).toEqual([expect.stringMatching(/run 1 fast cpu: block 0 step 1 .*, expected /)]);
  });

  test("fails a run that had another mask", async () => {
    const { failed } = await parityOfChanged((file) => {
      file.runs[1]!.mask_id -= 1;
    });
    expect(failed).toEqual([
      "failed p11_prompt_has_mask_tokens run 1 baseline cpu: mask_id: 384, expected 383",
    ]);
  });

  test("fails a run in a mode that nobody knows: what is not tried has a reason", async () => {
    const { failed } = await parityOfChanged((file) => {
      file.runs[1]!.mode = "bidirectional";
    });
    expect(failed).toEqual([
      "failed p11_prompt_has_mask_tokens run 1 bidirectional cpu: no such mode is known: bidirectional",
    ]);
  });

  test("fails runs in which other ids were suppressed", async () => {
    const { failed } = await parityOfChanged((file) => {
      file.special_ids.suppressed.pop();
    });
    expect(failed).toHaveLength(3);
    expect(failed[0]).toContain(
      "run 0 baseline cpu: suppressed ids: [128,129,394,395], expected [128,129,394]",
    );
  });

  test.each([
    ["model.layers.9.self_attn.q_proj.weight", 0, "no stage has tensor model.layers.9"],
    ["no.such.weight", 0, "no stage has tensor no.such.weight"],
    ["lm_head.weight", 1_000_000, "lm_head.weight has 512 rows only"],
  ])("fails a case whose patch of %s row %i would change nothing", async (tensor, dst, message) => {
    const { failed } = await parityOfChanged((file) => {
      file.weight_patch = { tensor, src: 0, dst, scale: 1 };
    });
    expect(failed).toEqual([expect.stringContaining(message)]);
  });

  test("cuts no prompt where the checkpoint names no length to cut at", async () => {
    const { failed } = await parityOfChanged((file) => {
      file.config_override = { tokenizer_model_max_length: null, max_position_embeddings: 4 };
    });
    expect(failed).toEqual([]);
  });

  test("fails a table in which there is nothing to compare", async () => {
    const pure = path.join(folder, "pure");
    await mkdir(pure);
    await writeFile(path.join(pure, "num_transfer_tokens.json"), '{"rows":[]}');
    const { code, lines } = await parity(folder, "--provider", "cpu");
    await rm(pure, { recursive: true });
    expect(code).toBe(1);
    expect(lines).toContain(
      "failed pure/num_transfer_tokens.json: nothing in it could be compared",
    );
  });

  test("draws the noise of the seed that an array is named after", async () => {
    const pure = path.join(folder, "pure");
    await mkdir(pure);
    const table = await readFile(path.join(reference, "pure/numerics.safetensors"), "latin1");
    const renamed = table.replace("mulberry32_seed1234", "mulberry32_seed1235");
    await writeFile(path.join(pure, "numerics.safetensors"), renamed, "latin1");
    const { lines } = await parity(folder, "--provider", "cpu");
    await rm(pure, { recursive: true });
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^failed pure\/numerics\.safetensors: mulberry32_seed1235_first16: largest difference/,
      ),
    );
  });

  test("goes on after a case that cannot be read", async () => {
    const broken = path.join(folder, "cases/p00_broken");
    await cp(path.dirname(caseFile()), broken, { recursive: true });
    await writeFile(path.join(broken, "case.json"), "{");
    const { code, lines } = await parity(folder, "--provider", "cpu");
    await rm(broken, { recursive: true });
    expect(code).toBe(1);
    expect(lines).toContainEqual(
      expect.stringMatching(/^failed p00_broken cpu: .*case\.json is not JSON/),
    );
    expect(lines.at(-1)).toBe("5 passed, 1 failed, 0 skipped");
  });
});

describe("parity on CUDA", () => {
  test("is skipped by its name where the provider's files are not, with what to do", async () => {
    const output: string[] = [];
    const sink = { write: (text: string) => output.push(text) };
    const env = { UNMASK_CUDA_FOLDER: "/nowhere" };
    const code = await runParity([reference, "--provider", "cuda"], {
      ...{ stdout: sink, stderr: sink, env, cwd: process.cwd(), isTTY: false },
      signal: new AbortController().signal,
    });
    const skipped = output.filter((line) => line.startsWith("skipped"));
    expect(skipped).toEqual([
      expect.stringMatching(
        /^skipped all cases cuda: provider cuda cannot run here \(files_missing\): its files are not in \/nowhere\. Install them/,
      ),
    ]);
    expect(code).toBe(0);
  });
});

describe("parity's arguments", () => {
  test("two folders, a file or an unknown provider are the user's mistakes", async () => {
    await expect(parity(reference, reference)).rejects.toThrow(UsageError);
    await expect(parity("package.json")).rejects.toThrow("is not a folder");
    await expect(parity(reference, "--provider", "abacus")).rejects.toThrow(
      "known are cpu and wasm",
    );
    await expect(parity(reference, "--fast")).rejects.toThrow(UsageError);
  });

  test("a folder without cases is said to hold none", async () => {
    await expect(parity("src/domain")).rejects.toThrow("holds no reference cases");
  });

  test.runIf(process.platform === "linux")(
    "a provider that cannot run on this machine is skipped by name, and said why",
    async () => {
      const missing = "/nonexistent.json";
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["src/cli/main.ts", "parity", reference, "--provider", "webgpu"],
        { env: { ...process.env, VK_DRIVER_FILES: missing, VK_ICD_FILENAMES: missing } },
      );
      expect(stdout).toMatch(/^skipped all cases webgpu: .*\(no_gpu\).*provider cpu$/m);
      expect(stdout).toMatch(/^\d+ passed, 0 failed, 1 skipped$/m);
    },
  );

  test("help shows what a line looks like", async () => {
    const { code, lines } = await parity("--help");
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain("passed p01_square56_grad run 0 baseline cpu");
  });
});
