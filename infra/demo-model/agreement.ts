/**
 * How far the formats of a bundle agree with each other and with PyTorch, id by id:
 *
 *     python -m photographs.check --folder EXPORT --pictures test/fixtures/demo-eval --test-set test/fixtures/demo-eval/questions.jsonl --out CASES.json
 *     npm run -s node -- infra/demo-model/agreement.ts EXPORT CASES.json test/fixtures/demo-eval OUT.json
 *
 * `CASES.json` is what the recipe's sampler answers in float32. Each format is converted afresh and asked the same, all passes whole.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { convert } from "#cli/convert.ts";
import { modeTerms, UNTOLD_REFRESH } from "#domain/modes.ts";
import { fileStore } from "#inference/file-store.ts";
import { decodeImages } from "#inference/image-codec.ts";
import { createModelHost } from "#inference/model-host.ts";
import { openModel } from "#inference/model-loader.ts";
import { loadKernels } from "#inference/runtime/kernels.ts";
import { answer } from "#model/answer.ts";
import { readManifest } from "#weights/read-bundle.ts";

interface Case {
  readonly files: readonly string[];
  readonly question: string;
  readonly canvas: number;
  readonly steps: number;
  readonly output_ids: readonly number[];
  readonly text: string;
}

/** What one format says to all cases, and its size. */
interface Said {
  readonly megabytes: number;
  readonly answers: readonly { readonly ids: readonly number[]; readonly text: string }[];
}

const MODEL = "agreement";
const FORMATS = ["f32", "w8a8", "q4"] as const;
const { signal } = new AbortController();

async function sayAll(checkpoint: string, format: string, cases: readonly Case[], pictures: string): Promise<Said> {
  const folder = await mkdtemp(path.join(tmpdir(), "unmask-agreement-"));
  const store = fileStore(folder);
  const sink = { write: () => undefined };
  const io = { stdout: sink, stderr: sink, env: {}, cwd: process.cwd(), isTTY: false, signal };
  await convert([checkpoint, "--to", folder, "--format", format, "--name", MODEL, "--version", "1"], io);
  const { resize } = await loadKernels();
  const open = (stop: AbortSignal) => openModel({ store, model: MODEL, signal: stop });
  const host = createModelHost({ model: MODEL, provider: "cpu", resize, log: () => undefined, open });
  try {
    const { tools } = await host.described(signal);
    const answers: Said["answers"][number][] = [];
    for (const { files, question, canvas, steps } of cases) {
      const decoded = await decodeImages(await Promise.all(files.map((file) => readFile(path.join(pictures, file)))));
      if (!decoded.ok) throw new Error(`${files.join(", ")}: ${decoded.refusal.kind}`);
      const asked = {
        messages: [{ role: "user", text: question } as const],
        pictures: decoded.value,
        options: {
          detail: "auto" as const,
          ...{ canvas, steps, blockLength: canvas, temperature: 0, seed: 0, stop: [] },
          ...modeTerms("exact", UNTOLD_REFRESH.standard),
        },
      };
      const end = (await Array.fromAsync(answer(asked, tools, signal))).at(-1);
      if (end?.kind !== "answer.completed") throw new Error(`${question}: ended with ${end?.kind}`);
      answers.push({ ids: end.tokens.map(({ token }) => token), text: end.answer });
    }
    const { bundle } = await readManifest(store, MODEL);
    return { megabytes: bundle.stages.reduce((sum, stage) => sum + stage.bytes, 0) / 1e6, answers };
  } finally {
    await host.dispose();
    await rm(folder, { recursive: true });
  }
}

const [checkpoint, casesFile, pictures, out] = process.argv.slice(2);
if (checkpoint === undefined || casesFile === undefined || pictures === undefined || out === undefined)
  throw new Error("agreement.ts EXPORT CASES.json PICTURES OUT.json");
const { cases } = JSON.parse(await readFile(casesFile, "utf8")) as { cases: readonly Case[] };
const said = new Map<string, Said>();
for (const format of FORMATS) said.set(format, await sayAll(checkpoint, format, cases, pictures));
const torch = cases.map(({ output_ids: ids, text }) => ({ ids, text }));
const f32 = said.get("f32")?.answers ?? [];
const same = (some: Said["answers"], others: Said["answers"], of: (one: Said["answers"][number]) => string): number =>
  some.filter((one, index) => of(one) === of(others[index] ?? { ids: [], text: "" })).length;
const ids = (one: Said["answers"][number]): string => one.ids.join();
const table = FORMATS.map((format) => {
  const { megabytes, answers } = said.get(format) ?? { megabytes: 0, answers: [] };
  const torchIds = same(answers, torch, ids);
  return { format, megabytes, questions: cases.length, torch: torchIds, f32: same(answers, f32, ids) };
});
await writeFile(out, `${JSON.stringify(table, null, 1)}\n`);
process.stdout.write(`${table.map((row) => JSON.stringify(row)).join("\n")}\n`);
