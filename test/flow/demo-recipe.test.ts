import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { convert } from "#cli/convert.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { answer } from "#model/answer.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";
import { recordedIo } from "../support/edge-command-io.ts";

// The recipe is Python. Where there is none with PyTorch these tests are skipped by name.
const python = process.env["UNMASK_PYTHON"] ?? "python3";
const hasTorch = canImport("torch, numpy, PIL, safetensors, tokenizers");
if (!hasTorch)
  console.warn(
    `skipped: training recipe (${python} lacks infra/demo-model/requirements.txt; set UNMASK_PYTHON to one that has it)`,
  );

function canImport(modules: string): boolean {
  try {
    execFileSync(python, ["-c", `import ${modules}`], { stdio: "ignore" });
    return true;
  } catch {
    // Not there, or without the packages: the same to us.
    return false;
  }
}

/** Three stages of a few steps take about a minute on two free cores. */
const SMOKE_MS = 6 * 60_000;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-recipe-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.skipIf(!hasTorch)(
  "the training recipe in miniature, from data to a bundle, gives a model that the engine loads and asks",
  { timeout: SMOKE_MS },
  async () => {
    const work = path.join(folder, "work");
    const script = "infra/demo-model/smoke.py";
    await promisify(execFile)(python, ["-B", script, "--work", work, "--drawn", "--steps", "4"]);
    const bundle = path.join(folder, "bundle");
    const io = recordedIo();
    const target = ["--to", bundle, "--format", "w8a8", "--name", "smoke", "--version", "1"];
    expect(await convert([path.join(work, "export"), ...target], io), io.written.stderr).toBe(0);

    const { signal } = new AbortController();
    const host = await hostOfBundle(bundle, "smoke");
    try {
      const { tools } = await host.described(signal);
      const pictures = await decodeImages([await readFile("test/fixtures/pictures/dog.png")]);
      if (!pictures.ok) throw new Error(pictures.refusal.kind);
      const asked = {
        messages: [{ role: "user", text: "What is this?" } as const],
        pictures: pictures.value,
        options: options({ canvas: 8, steps: 4, blockLength: 8 }),
      };
      const events = await Array.fromAsync(answer(asked, tools, signal));
      expect(events.map(({ kind }) => kind)).toEqual([
        "answer.started",
        ...Array(events.length - 2).fill("answer.frame"),
        "answer.completed",
      ]);
    } finally {
      await host.dispose();
    }
  },
);
