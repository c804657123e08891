import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert } from "#cli/convert.ts";
import { evaluateFile } from "#cli/eval.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { answer } from "#model/answer.ts";
import { hostOfBundle } from "../support/bundle-host.ts";
import { options } from "../support/edge-builders.ts";
import { recordedIo } from "../support/edge-command-io.ts";
import { serveRun } from "../support/miniature.ts";

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

describe.skipIf(!hasTorch)("the paper's claim in miniature", () => {
  const run = "causal-128-2000-1";
  let work = "";
  beforeAll(async () => {
    work = path.join(folder, "miniature");
    const smoke = ["-m", "miniature.smoke", "--work", work];
    await promisify(execFile)(python, ["-B", "-W", "ignore", ...smoke], {
      cwd: "infra/demo-model",
    });
  }, SMOKE_MS);

  test("gives a run of each kind the same end when it was killed on its way, and reports what there is and what is missing", async () => {
    const report = await readFile(path.join(work, "report", "REPORT.md"), "utf8");
    expect(report).toContain("3 of 36 runs, of 10 steps with 64 answers each. **Missing**: ");
    for (const kind of ["masked diffusion", "autoregressive", "blocks of 4"])
      expect(report).toMatch(new RegExp(`\\| 2,000 \\| 0\\.3 \\| 1\\.12 M \\| ${kind} \\|`));
  });

  test("serves a finished run as any model of others, which unmask eval asks", {
    timeout: 60_000,
  }, async () => {
    await using served = await serveRun(python, path.join(work, "broken"), run);
    const io = recordedIo();
    const code = await evaluateFile(
      [
        ...["test/fixtures/demo-eval/questions.jsonl", "--only-against", "--limit", "8", "--json"],
        ...["--against", served.url, "--model", run, "--logprobs"],
      ],
      io,
    );
    expect(code, io.written.stderr).toBe(0);
    expect(JSON.parse(io.written.stdout).columns).toMatchObject([
      { overall: { questions: 8, refused: 0, failed: 0 }, risk_coverage: { answered: {} } },
    ]);
  });

  const url = `data:image/png;base64,${readFileSync("test/fixtures/demo-eval/000.png", "base64")}`;
  const picture = { type: "image_url", image_url: { url } };
  const message = (...content: readonly unknown[]) => [{ role: "user", content }];
  const question = { type: "text", text: "What is this?" };
  test("of what it cannot take it says what it takes", { timeout: 60_000 }, async () => {
    await using served = await serveRun(python, path.join(work, "broken"), run);
    const asked = { model: run, messages: message(picture, question) };
    const broken = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const fetched = { type: "image_url", image_url: { url: "https://example.com/dog.png" } };
    const long = { type: "text", text: "What is this? ".repeat(20) };
    const refused = async (body: unknown): Promise<unknown> => {
      const reply = await fetch(`${served.url}/chat/completions`, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      const { error } = (await reply.json()) as { readonly error?: { readonly code: string } };
      return [reply.status, error?.code];
    };
    expect(await refused(asked)).toEqual([200, undefined]);
    expect(await refused("{")).toEqual([400, "invalid_json"]);
    expect(await refused({ ...asked, model: "other" })).toEqual([404, "model_not_found"]);
    for (const other of [{ stream: true }, { n: 2 }, { temperature: 1 }, { tools: [{}] }])
      expect(await refused({ ...asked, ...other })).toEqual([400, "unsupported_parameter"]);
    for (const messages of [[], message(question), message(picture), message(picture, picture)])
      expect(await refused({ ...asked, messages })).toEqual([400, "invalid_messages"]);
    for (const shown of [broken, fetched])
      expect(await refused({ ...asked, messages: message(shown, question) })).toEqual([
        ...[400, "invalid_image"],
      ]);
    expect(await refused({ ...asked, messages: message(picture, long) })).toEqual([
      ...[400, "question_too_long"],
    ]);
    const models = await (await fetch(`${served.url}/models`)).json();
    expect(models).toMatchObject({ data: [{ id: run }] });
  });

  test("serves none that is not there, and says which are", { timeout: 60_000 }, async () => {
    const asked = serveRun(python, path.join(work, "broken"), "causal-128-32000-1");
    await expect(asked).rejects.toThrow(/is not there; finished runs: .*causal-128-2000-1/);
  });
});
