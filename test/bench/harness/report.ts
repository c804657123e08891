import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { evaluateFile } from "#cli/eval.ts";
import { startLocalSystem } from "../../support/local-system.ts";
import { runLmmsEval } from "./lmms-eval.ts";
import { harnessPython, installedVersion } from "./python.ts";
import { type HarnessQuestion, type QuestionSets, questionSets } from "./questions.ts";
import type { AskedEndpoint, HarnessRow } from "./table.ts";
import { choicePrompt, runVlmEvalKit } from "./vlmevalkit.ts";

/** The demo set has 548 questions; a third of them have an answer of yes or no. */
export const MAX_QUESTIONS = 548;

/** As the harnesses ask: no more than what a chat is given without a word about it. */
const CANVAS = "32";

const LEFT_OUT = `left out: what the harnesses need to run models on this machine (accelerate's backends, peft, decoders of video and sound), language models
as judges (VLMEvalKit runs with --judge exact_matching), their own sets, which are fetched from hubs, and video.
Their faults, worked around with their own options: lmms-eval 0.7.3 needs filelock below 4, tries a refusal (400) five times, and scores a
question that got no answer as 0, so "answered" is counted from its log of answers; VLMEvalKit makes pictures of fewer than 100 pixels larger
(VLMEVAL_MIN_IMAGE_EDGE=1), sends every picture as JPEG, and asks for detail "low" if it is not told "high",
and cannot read its own answers as json (PRED_FORMAT=tsv).`;

/** Has two public harnesses ask the local system over `/v1/chat/completions`, and prints what they made of it beside `unmask eval`. */
export async function reportHarnesses(count: number): Promise<void> {
  const say = (words: string): void => console.error(words);
  const python = await harnessPython(say);
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-harness-"));
  try {
    say("starting the local system …");
    await using system = await startLocalSystem();
    const { url, key, model } = system;
    const version = (name: string): string => installedVersion(python, name);
    const endpoint: AskedEndpoint = { python, url, key, model, folder, version };
    const sets = questionSets(count);
    say("lmms-eval asks …");
    const rows = [
      await runLmmsEval(sets.open, endpoint, false),
      await runLmmsEval(sets.open, endpoint, true),
    ];
    say("VLMEvalKit asks …");
    rows.push(...(await runVlmEvalKit(sets, endpoint)));
    say("unmask eval asks …");
    print(rows, await ownScores(sets, endpoint));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type OwnScores = Readonly<Record<HarnessRow["set"] | "choicesRead", number>>;

/** The same questions in the same words by `unmask eval`, through `/v1/answers`. */
async function ownScores(sets: QuestionSets, endpoint: AskedEndpoint): Promise<OwnScores> {
  const plain = ({ question }: HarnessQuestion): string => question;
  return {
    open: await ownScore("open", sets.open, plain, endpoint),
    yesNo: await ownScore("yesNo", sets.yesNo, plain, endpoint),
    choice: await ownScore("choice", sets.choice, choicePrompt, endpoint),
    choicesRead: await ownScore("choice", sets.choice, plain, endpoint, ["--choices", "read"]),
  };
}

async function ownScore(
  set: string,
  questions: readonly HarnessQuestion[],
  textOf: (question: HarnessQuestion) => string,
  { url, key, folder }: AskedEndpoint,
  options: readonly string[] = [],
): Promise<number> {
  const place = path.join(folder, "unmask-eval");
  mkdirSync(place, { recursive: true });
  const file = path.join(place, `${set}.jsonl`);
  const lines = questions.map((one) => {
    const { id, picture, answer, family, choices } = one;
    const messages = [{ role: "user", content: textOf(one) }];
    return JSON.stringify({ id, image: picture, messages, answer, family, choices });
  });
  writeFileSync(file, `${lines.join("\n")}\n`);
  const said: string[] = [];
  const args = [file, "--canvas", CANVAS, "--concurrency", "4", "--json", ...options];
  const status = await evaluateFile(args, {
    stdout: { write: (text) => said.push(text) },
    stderr: { write: () => undefined },
    env: { ...process.env, UNMASK_URL: url, UNMASK_KEY: key },
    cwd: place,
    isTTY: false,
    signal: new AbortController().signal,
  });
  if (status !== 0) throw new Error(`unmask eval ended with ${status}`);
  const { columns } = JSON.parse(said.join("")) as { columns: { overall: { score: number } }[] };
  return columns[0]?.overall.score ?? Number.NaN;
}

const SET_WORDS = { open: "words", yesNo: "yes or no", choice: "choices" } as const;

function print(rows: readonly HarnessRow[], own: OwnScores): void {
  const share = (score: number): string => `${(100 * score).toFixed(1)} %`;
  const head = ["harness", "version", "wire", "questions", "answered", "its score", "unmask eval"];
  const table = rows.map((row) => [
    ...[row.harness, row.version, row.wire, `${row.questions} of ${SET_WORDS[row.set]}`],
    ...[String(row.answered), `${share(row.score)} ${row.metric}`, share(own[row.set])],
  ]);
  const widths = head.map((name, at) =>
    Math.max(name.length, ...table.map((cells) => cells[at]?.length ?? 0)),
  );
  for (const cells of [head, ...table])
    console.log(cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  "));
  console.log(
    `\nchoices that are read as a field (unmask eval --choices read): ${share(own.choicesRead)}`,
  );
  console.log(`\n${LEFT_OUT}`);
}
