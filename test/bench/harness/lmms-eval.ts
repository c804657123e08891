import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { HarnessQuestion } from "./questions.ts";
import { lastLines, runProcess } from "./run-process.ts";
import { type AskedEndpoint, type HarnessRow, OFFLINE, RUN_MS } from "./table.ts";

const TASK = "unmask_demo";

/**
 * A task as lmms-eval's own are written. The settings are the usual ones of its tasks, with the `top_p: 0` that 16 of them send, which
 * OpenAI's own API takes.
 */
const task = (file: string): string => `task: ${TASK}
dataset_path: json
dataset_kwargs:
  data_files:
    test: ${JSON.stringify(file)}
test_split: test
output_type: generate_until
doc_to_visual: !function ${TASK}.doc_to_visual
doc_to_text: "question"
doc_to_target: "answer"
generation_kwargs:
  max_new_tokens: 1024
  temperature: 0
  top_p: 0
  num_beams: 1
  do_sample: false
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
    ignore_case: true
    ignore_punctuation: true
metadata:
  - version: 0.0
`;

const FUNCTIONS = `from PIL import Image


def doc_to_visual(doc):
    with Image.open(doc["image"]) as picture:
        return [picture.convert("RGB")]
`;

/** What lmms-eval puts in place of an answer that it did not get, and scores. Source: its `models/chat/openai.py`. */
const NO_ANSWER = "[LMMS_EVAL_REQUEST_FAILED";

/** Has lmms-eval ask the questions with its model `openai`: as messages, or with `isSimple` as it did before, the text before the pictures. */
export async function runLmmsEval(
  questions: readonly HarnessQuestion[],
  { python, url, key, model, folder, version }: AskedEndpoint,
  isSimple: boolean,
): Promise<HarnessRow> {
  const place = path.join(folder, isSimple ? "lmms-eval-simple" : "lmms-eval");
  mkdirSync(place, { recursive: true });
  const file = path.join(place, "questions.jsonl");
  const lines = questions.map(({ id, picture, question, answer }) =>
    JSON.stringify({ id, image: picture, question, answer }),
  );
  writeFileSync(file, `${lines.join("\n")}\n`);
  writeFileSync(path.join(place, `${TASK}.yaml`), task(file));
  writeFileSync(path.join(place, `${TASK}.py`), FUNCTIONS);
  const out = path.join(place, "out");
  const args = ["-m", "lmms_eval", "--model", "openai", "--tasks", TASK, "--include_path", place];
  await runProcess(
    python,
    [
      ...args,
      ...["--model_args", `model=${model},base_url=${url}/v1`],
      ...["--batch_size", "1", "--log_samples", "--output_path", out],
      ...(isSimple ? ["--force_simple"] : []),
    ],
    {
      log: path.join(place, "run.log"),
      limitMs: RUN_MS,
      cwd: place,
      env: { ...OFFLINE, HF_HOME: path.join(place, "hub"), OPENAI_API_KEY: key },
    },
  );
  const answers = samples(out).map(({ filtered_resps: [answer = ""] }) => answer);
  return {
    harness: "lmms-eval",
    version: version("lmms-eval"),
    wire: isSimple ? "openai, --force_simple" : "openai",
    set: "open",
    questions: questions.length,
    answered: answers.filter((answer) => !answer.startsWith(NO_ANSWER)).length,
    score: scoreOf(out),
    metric: "exact_match",
  };
}

interface Sample {
  readonly filtered_resps: readonly string[];
}

function samples(out: string): readonly Sample[] {
  const lines = readFileSync(found(out, /_samples_.*\.jsonl$/), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => {
    const { filtered_resps: said } = JSON.parse(line) as { filtered_resps: string | string[] };
    return { filtered_resps: [said].flat() };
  });
}

function scoreOf(out: string): number {
  const { results } = JSON.parse(readFileSync(found(out, /_results\.json$/), "utf8")) as {
    results: Record<string, Record<string, number>>;
  };
  return results[TASK]?.["exact_match,none"] ?? Number.NaN;
}

/** lmms-eval ends with 0 after its own faults too: what it did not leave says that there was one. */
function found(folder: string, name: RegExp): string {
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" })
    : [];
  const one = files.find((file) => name.test(file));
  if (one === undefined)
    throw new Error(
      `lmms-eval left no file like ${name}:\n${lastLines(path.join(folder, "../run.log"))}`,
    );
  return path.join(folder, one);
}
