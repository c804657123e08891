import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Column } from "#cli/eval/columns.ts";
import { writeHtml } from "#cli/eval/report/html/write.ts";
import { type ColumnResults, reportOf } from "#cli/eval/report/report.ts";
import { type Result, scoredOf } from "#cli/eval/results.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { linesOf, openForTest, testSetFile } from "./test-set-file.ts";

const FAMILIES = ["what", "count"] as const;

/** The report of an evaluation that nobody ran: two columns of ours at two numbers of steps, which disagree on three of eight questions. */
export async function evalReportFile(): Promise<string> {
  const image = `data:image/png;base64,${readFileSync("test/fixtures/demo-eval/000.png", "base64")}`;
  const lines = Array.from({ length: 8 }, (_, place) => ({
    id: `q${place}`,
    image,
    question: `What is this, and that, and ${place}?`,
    answer: "A dog.",
    family: FAMILIES[place % 2],
  }));
  await using testSet = await openForTest(testSetFile(linesOf(...lines)));
  const right = { exact: "11111101", fast: "10110111" } as const;
  const results = Object.entries(right).flatMap(([column, scores]) =>
    [...scores].map((score, place) => resultOf(column, place, Number(score))),
  );
  const columns = Object.keys(right).map((name, index): ColumnResults => {
    const column: Column = {
      ...{ kind: "own", name, mode: undefined, refresh: undefined, canvas: 16 },
      steps: 8 * (index + 1),
      choices: undefined,
    };
    const own = results.filter((result) => result.column === name);
    return {
      column,
      answerer: "unmask-demo (w8a8, cpu)",
      stopped: null,
      results: own.map(scoredOf),
    };
  });
  const random = mulberry32(1);
  const report = reportOf(columns, {
    testSet: "questions.jsonl",
    questions: 8,
    skipped: [],
    uniform: () => random.next(),
  });
  const file = path.join(mkdtempSync(path.join(tmpdir(), "unmask-report-")), "report.html");
  await writeHtml(file, {
    ...{ report, columns, testSet, now: 0 },
    results: (async function* () {
      yield* results;
    })(),
  });
  return file;
}

function resultOf(column: string, place: number, score: number): Result {
  return {
    ...{ id: `q${place}`, column, family: FAMILIES[place % 2] ?? "", metric: "exact", key: "k" },
    ...{ canvas: 16, steps: 8, steps_run: 6, rows: 96, form: "plain", error: null, failed: false },
    answer: score === 1 ? "A dog." : "A cat <b>with a long tail</b>.",
    expected: ["A dog."],
    confidence: 1 - place / 10,
    ...{ in_domain: true, abstained: false, score, ms: 20 + place, charged_micros: 10 },
    model_digest: null,
  };
}
