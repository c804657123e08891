import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { textTable } from "#cli/eval/files/rows/table.ts";
import type { HarnessQuestion, QuestionSets } from "./questions.ts";
import { lastLines, runProcess } from "./run-process.ts";
import { type AskedEndpoint, type HarnessRow, OFFLINE, RUN_MS } from "./table.ts";

/** Its classes for endpoints of OpenAI's form: the one for its own list of models, and the one behind `--base-url`. */
const WIRES = ["GPT4V", "LMDeployAPI"] as const;

/**
 * Its classes for sets: all three with an evaluation that asks no judge. VizWiz's alone asks an open question as it stands, and scores it by
 * VQA accuracy over people's answers in the column `answers`.
 */
const SETS = {
  open: { name: "UnmaskOpen", class: "VizWiz", metric: "VQA accuracy" },
  yesNo: { name: "UnmaskYesNo", class: "ImageYORNDataset", metric: "yes or no" },
  choice: { name: "UnmaskChoice", class: "CustomMCQDataset", metric: "choice" },
} as const;

type SetName = keyof typeof SETS;

const SET_NAMES = ["open", "yesNo", "choice"] as const satisfies readonly SetName[];

/** So many people gave VQA's answers: of ten equal ones each match is a whole one. */
const PEOPLE = 10;

const LETTERS = ["A", "B", "C", "D"] as const;

/** What VLMEvalKit puts in place of an answer that it did not get. Source: its `api/gpt.py` and `api/lmdeploy.py`. */
const NO_ANSWER = "Failed to obtain answer";

/** The text that VLMEvalKit asks of a question with choices. Source: `ImageMCQDataset.build_prompt`. */
export function choicePrompt({ question, choices = [] }: HarnessQuestion): string {
  const options = choices.map((one, place) => `${LETTERS[place]}. ${one}\n`).join("");
  return `Question: ${question}\nOptions:\n${options}Please select the correct answer from the options above. \n`;
}

/** Has VLMEvalKit ask every set over each of its wires, in one run. */
export async function runVlmEvalKit(
  sets: QuestionSets,
  { python, url, key, model, folder, version }: AskedEndpoint,
): Promise<readonly HarnessRow[]> {
  const place = path.join(folder, "vlmevalkit");
  const data = path.join(place, "LMUData");
  mkdirSync(data, { recursive: true });
  for (const set of SET_NAMES)
    writeFileSync(path.join(data, `${SETS[set].name}.tsv`), table(set, sets[set]));
  const api = { model, api_base: `${url}/v1/chat/completions`, key, temperature: 0, retry: 3 };
  const config = path.join(place, "config.json");
  writeFileSync(
    config,
    JSON.stringify({
      model: Object.fromEntries(
        WIRES.map((wire) => [
          wire,
          { class: wire, ...api, ...(wire === "GPT4V" ? { img_detail: "high" } : {}) },
        ]),
      ),
      data: Object.fromEntries(
        SET_NAMES.map((set) => [
          SETS[set].name,
          { class: SETS[set].class, dataset: SETS[set].name },
        ]),
      ),
    }),
  );
  const out = path.join(place, "out");
  await runProcess(
    python,
    [
      ...["-m", "vlmeval.run", "--config", config, "--work-dir", out],
      ...["--judge", "exact_matching", "--api-nproc", "4"],
    ],
    {
      log: path.join(place, "run.log"),
      limitMs: RUN_MS,
      cwd: place,
      env: {
        ...OFFLINE,
        LMUData: data,
        // Its own evaluations cannot read the answers that it writes as json.
        PRED_FORMAT: "tsv",
        // Otherwise pictures of fewer than 100 pixels are made larger before they are sent.
        VLMEVAL_MIN_IMAGE_EDGE: "1",
      },
    },
  );
  const rows: HarnessRow[] = [];
  for (const wire of WIRES)
    for (const set of SET_NAMES) {
      const answers = await predictions(path.join(out, wire, `${wire}_${SETS[set].name}.tsv`));
      rows.push({
        harness: "VLMEvalKit",
        version: `ms-vlmeval ${version("ms-vlmeval")}`,
        wire,
        set,
        questions: sets[set].length,
        answered: answers.filter((answer) => !answer.includes(NO_ANSWER)).length,
        score: scoreOf(path.join(out, wire), SETS[set].name),
        metric: SETS[set].metric,
      });
    }
  return rows;
}

/** Its tables: pictures as base64, one column for each choice. */
function table(set: SetName, questions: readonly HarnessQuestion[]): string {
  const answerColumns = { open: ["answers"], yesNo: ["answer"], choice: [...LETTERS, "answer"] };
  const head = ["index", "image", "question", "category", ...answerColumns[set]];
  const rows = questions.map((one, index) => [
    ...[String(index), readFileSync(one.picture).toString("base64"), one.question, one.family],
    ...answerCells(set, one),
  ]);
  return [head, ...rows].map((cells) => `${cells.map(quoted).join("\t")}\n`).join("");
}

function answerCells(set: SetName, { answer, choices = [] }: HarnessQuestion): readonly string[] {
  if (set === "open") return [JSON.stringify(Array.from({ length: PEOPLE }, () => answer))];
  if (set === "yesNo") return [answer.replace(/\.$/, "")];
  return [...choices, LETTERS[choices.indexOf(answer)] ?? ""];
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

async function predictions(file: string): Promise<readonly string[]> {
  const rows = await Array.fromAsync(textTable(file, "\t").rows());
  return rows.map((row) => ("members" in row ? String(row.members["prediction"]) : NO_ANSWER));
}

interface Status {
  readonly datasets: Readonly<
    Record<string, { readonly metrics?: Readonly<Record<string, number>> }>
  >;
}

function scoreOf(folder: string, name: string): number {
  const { datasets } = JSON.parse(readFileSync(path.join(folder, "status.json"), "utf8")) as Status;
  const metrics = Object.entries(datasets[name]?.metrics ?? {});
  const overall = metrics.find(([metric]) => /(?:^|\|)Overall$/.test(metric));
  if (overall === undefined)
    throw new Error(
      `VLMEvalKit scored no ${name}:\n${lastLines(path.join(folder, "../../run.log"))}`,
    );
  // Its classes for choices tell shares, the others hundredths of them.
  return name === SETS.choice.name ? overall[1] : overall[1] / 100;
}
