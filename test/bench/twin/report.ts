import { readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { evaluateFile } from "#cli/eval.ts";
import { type ServedRun, serveRun } from "../../support/miniature.ts";
import { photograph } from "./photograph.ts";

const QUESTIONS = "test/fixtures/demo-eval/questions.jsonl";

/** The model of that shape and for those drawings, in front of whose tower the runs were trained. */
const BUNDLE = "infra/demo-model/bundle";

const PICTURE = "infra/docs/pictures/eval-report.png";

/** Second turns, which no run was trained on; and what no picture can tell, 8 of whose 24 questions are longer than a run can read. */
const LEFT_OUT: ReadonlySet<string> = new Set(["follow", "outside"]);

/** What every run may write, and so ours too. */
const CANVAS = "16";

const KINDS: Readonly<Record<string, string>> = {
  causal: "autoregressive twin",
  diffusion: "diffusion twin",
  blocks: "twin in blocks of 4",
};

export interface TwinOptions {
  /** Folder of `python -m miniature.run`. */
  readonly work: string;
  /** Names of finished runs, of each kind one. */
  readonly runs: readonly string[];
  /** Where the report is written; absent: into a folder of this machine's temporary ones. */
  readonly html: string | undefined;
  /** Whether the documents' picture is remade of it. */
  readonly isWritten: boolean;
}

/** The demo set of drawings in our two modes and by runs of the miniature, each behind a server of its own. Rejects with what is missing. */
export async function reportTwin({ work, runs, html, isWritten }: TwinOptions): Promise<void> {
  const python = process.env["UNMASK_PYTHON"] ?? "python3";
  const page = html ?? path.join(await mkdtemp(path.join(tmpdir(), "unmask-twin-")), "report.html");
  await using servers = new AsyncDisposableStack();
  const served: ServedRun[] = [];
  for (const run of runs) served.push(servers.use(await serveRun(python, work, run)));
  const against = served.flatMap(({ url }, place) => {
    const run = runs[place] ?? "";
    return ["--against", url, "--model", run, "--name", nameOf(run), "--logprobs"];
  });
  const code = await evaluateFile(
    [
      QUESTIONS,
      ...["--engine", "local", "--bundle", BUNDLE, "--modes", "exact,fast", "--canvas", CANVAS],
      ...["--families", familiesAsked().join(","), "--note", noteOf(runs), "--html", page],
      ...against,
    ],
    {
      ...{ stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: process.cwd() },
      ...{ isTTY: false, signal: new AbortController().signal },
    },
  );
  if (code !== 0) throw new Error(`the evaluation ended with ${code}`);
  console.log(page);
  if (isWritten) await photograph(page, PICTURE);
}

function nameOf(run: string): string {
  return KINDS[run.split("-")[0] ?? ""] ?? run;
}

function familiesAsked(): readonly string[] {
  const lines = readFileSync(QUESTIONS, "utf8").trimEnd().split("\n");
  const families = lines.map((line): string => JSON.parse(line).family);
  return [...new Set(families)].filter((family) => !LEFT_OUT.has(family));
}

/** Answers that a run was trained on, whatever its data: steps × answers a step, `STEPS` and `BATCH` of `train.py`. */
const TWIN_ANSWERS = 1600 * 64;

/** The same of the model that ships, from the table in its card: 1,500 × 48 + 3,518 × 64 + 2,297 × 120. */
const OUR_ANSWERS = 1500 * 48 + 3518 * 64 + 2297 * 120;

/** What differs in training: without it the table would look like a verdict on two ways of writing. */
function noteOf(runs: readonly string[]): string {
  const sizes = [...new Set(runs.map((run) => Number(run.split("-")[2])))];
  const questions = sizes.map((size) => size.toLocaleString("en")).join(" and ");
  const many = runs.length > 1;
  return [
    `exact and fast are one model, trained on ${OUR_ANSWERS.toLocaleString("en")} answers about scenes that never came twice, with losses that tie words to patches.`,
    `${many ? "The twins stand" : "The twin stands"} behind the same vision tower, with ${TWIN_ANSWERS.toLocaleString("en")} answers about ${questions} questions and none of these losses:`,
    many
      ? "they are to be compared with each other, not with it."
      : "it is not the same budget (infra/demo-model/miniature compares like with like).",
    "Left out: second turns, which no twin was trained on, and questions that no picture answers, many of which are longer than a twin can read.",
  ].join(" ");
}
