import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

/** Lines, and what is said in each: the file has a gigabyte, and a picture in every line. */
const LINES = 1_000_000;
const PICTURE = `data:image/png;base64,${"A".repeat(1000)}`;

/**
 * What may be held of a million questions: measured 687 MiB at the most. 240 MiB of it live in the end: an id of 40 bytes and a result of
 * 160 for each, and Node's own 60. The rest is what Node's collector lets lie before it collects, which is as much again and follows the
 * machine; it is bounded by what lives. The texts and pictures alone are more than a gigabyte.
 */
const MAX_RESIDENT_BYTES = 800 * 1024 * 1024;

const script = `
  import { openTestSet } from "#cli/eval/files/test-set.ts";
  import { evaluate } from "#cli/eval/evaluation.ts";
  import { reportOf } from "#cli/eval/report/report.ts";
  import { ResultsFile } from "#cli/eval/results-file.ts";
  import { Tally } from "#cli/eval/tally.ts";
  import { tasksOf } from "#cli/eval/tasks.ts";
  import { mulberry32 } from "#model/decode/noise.ts";
  const signal = new AbortController().signal;
  const testSet = await openTestSet(process.argv[1], {
    places: { folder: "/", kept: undefined }, map: {}, metric: "exact", suffix: "", choiceSuffix: "",
    families: [], limit: Infinity, skipsFaulty: false, signal,
  });
  const column = { kind: "own", name: "unmask", mode: undefined, refresh: undefined, canvas: 8, steps: 4 };
  const tally = new Tally("unmask", testSet.ids);
  await using results = await ResultsFile.temporary();
  const answered = {
    kind: "answered", answer: "Yes.", isCut: false, confidence: 0.5, inDomain: true, abstained: false,
    steps: 4, rows: 48, chargedMicros: 1, modelDigest: "0123456789abcdef",
  };
  await evaluate({
    tasks: tasksOf(testSet, column, { preset: undefined, canvases: [8], model: undefined }),
    answerer: { name: "here", answer: async () => answered, async [Symbol.asyncDispose]() {} },
    concurrency: 8, now: () => 0, signal,
    async onResult(result, { place }) { tally.put(place, result); await results.append(result); },
  });
  const random = mulberry32(1);
  const report = reportOf([{ column, answerer: "here", stopped: null, results: tally.results }], {
    testSet: "q", questions: testSet.ids.length, skipped: testSet.skipped, uniform: () => random.next(),
  });
  const { maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ overall: report.columns[0].overall, bytes: maxRSS * 1024 }));
`;

test("a million questions with a picture each are asked in bounded memory", {
  timeout: 900_000,
}, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-million-"));
  try {
    const file = path.join(folder, "questions.jsonl");
    const handle = await open(file, "w");
    for (let start = 0; start < LINES; start += 1000) {
      const lines = Array.from({ length: 1000 }, (_, index) =>
        JSON.stringify({
          ...{ id: `question-${start + index}`, image: PICTURE, question: "Is it?" },
          answer: index % 2 === 0 ? "Yes." : "No.",
        }),
      );
      await handle.write(`${lines.join("\n")}\n`);
    }
    await handle.close();
    const run = spawnSync(
      process.execPath,
      ["--input-type=module-typescript", "-e", script, file],
      {
        encoding: "utf8",
      },
    );
    expect(run.stderr).toBe("");
    const { overall, bytes } = JSON.parse(run.stdout);
    expect(overall).toMatchObject({ questions: LINES, score: 0.5, charged_micros: LINES });
    expect(bytes).toBeLessThan(MAX_RESIDENT_BYTES);
    console.log(`${(bytes / 2 ** 20).toFixed(0)} MiB resident at the most`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
