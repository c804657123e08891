import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandIo, UsageError } from "#cli/command.ts";
import { runParity } from "#cli/parity.ts";

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

describe("parity over the reference cases", () => {
  test.each(["cpu", "wasm"])(
    "every baseline run gives the reference's tokens on %s",
    {
      timeout: 120_000,
    },
    async (provider) => {
      const { code, lines } = await parity("--provider", provider);
      expect(lines.filter((line) => line.startsWith("failed"))).toEqual([]);
      expect(code).toBe(0);
      const skipped = lines.filter((line) => line.startsWith("skipped"));
      expect(skipped.every((line) => line.includes("mode fast"))).toBe(true);
      const runs = lines.filter((line) => / run \d+ baseline /.test(line));
      expect(runs.length).toBeGreaterThanOrEqual(42);
      expect(lines.at(-1)).toMatch(/^\d+ passed, 0 failed, \d+ skipped$/);
    },
  );
});

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

  test("tells a wrong token by run, step and place, and exits with 1", async () => {
    const original = await readFile(caseFile(), "utf8");
    const changed = JSON.parse(original);
    changed.runs[1].trace[2].tok[0] += 1;
    await writeFile(caseFile(), JSON.stringify(changed));
    const { code, lines } = await parity(folder, "--provider", "cpu");
    await writeFile(caseFile(), original);
    expect(code).toBe(1);
    expect(lines.filter((line) => line.startsWith("failed"))).toEqual([
      expect.stringMatching(
        /^failed p11_prompt_has_mask_tokens run 1 baseline cpu: block 0 step 2 /,
      ),
    ]);
    expect(lines.at(-1)).toBe("4 passed, 1 failed, 0 skipped");
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

  test("help shows what a line looks like", async () => {
    const { code, lines } = await parity("--help");
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain("passed p01_square56_grad run 0 baseline cpu");
  });
});
