import { type AnswerMode, answerModes } from "#domain/modes.ts";
import { engineProviders } from "#inference/runtime/node-engine.ts";
import { parseArguments, UsageError } from "../command.ts";
import { CONNECTION_HELP } from "../connection.ts";
import { METRICS, type Metric } from "./scoring/metrics.ts";

export const EVAL_HELP: string = `Asks the questions of a test set and tells how many answers are right, how fast and at what price.

Usage: unmask eval QUESTIONS.jsonl [option …]

  unmask eval test/fixtures/demo-eval/questions.jsonl
  unmask eval docvqa.jsonl --metric anls --canvas 64 --steps 8,16,32,64 --out results.jsonl
  unmask eval questions.jsonl --engine local --bundle infra/demo-model/bundle

A line of the test set:
  {"image": "000.png", "question": "What is this?", "answer": ["A dog.", "A puppy."], "family": "what"}

  image     path from the file's folder or data URI, or a list of them; may be absent
  question  or "messages": [{"role", "content"} …], the last one the user's
  answer    text or list of texts, of which the best match counts
  choices   texts to choose from; listed as A., B., … below the question if it does not list them itself
  metric    exact | choice | anls | relaxed | words (choice where there are choices, else --metric)
  family    row of the table
  id, canvas, steps

Other members are not read. Where one of them belongs to the question ("image_1", "options", a picture's path), a text marks a
picture's place (<image 1>), or no line has a picture, that is told and nothing is asked, unless --ignore-unread says otherwise.

Metrics, each from 0 to 1; case, space around and one full stop at the end never count:
  exact     1 where the texts are equal
  choice    1 where the answer is or names the letter or the text of the right choice, and of no other
  anls      1 - edit distance / length of the longer text, 0 from a distance of a half on (ST-VQA, DocVQA)
  relaxed   numbers may be 5 % off, anything else must be equal (ChartQA)
  words     words that both have / words of the longer text, in any order

Options:
  --canvas N    positions to fill (the line's own, else 32)
  --steps N,…   passes, at most as many as the canvas; a list gives a table of score by steps (the line's own, else the canvas)
  --mode exact|cached|fast, --refresh N
                how the passes are computed (the model's own); N steps from one computing of the prompt to the next, of cached
  --metric NAME for lines that name none (exact)
  --families A,…, --limit N
                only these families; only the first N questions of them
  --engine api|local
                through the API, or in this process (api)
  --bundle DIR, --version V, --provider ${engineProviders.join("|")}, --threads N
                for --engine local: folder or s3://bucket/prefix with the bundle, and how to run it
  --model NAME  which model (the one that is served; unmask-demo of a local bundle)
  --concurrency N
                questions at one time, API only; latency then counts waiting (1)
  --cache       let answers come from the cache: faster, but latency and charge are then the cache's
  --out FILE    write a line for every question: answer, confidence, score, ms, charge
  --resume      go on with the --out of an evaluation that was stopped
  --baseline FILE
                the --out of an earlier evaluation: compares question by question, and ends with 1 where the loss over all is no
                accident (exact McNemar test, one-sided, 0.05; for scores between 0 and 1 by resampling)
  --seed N      of the bootstrap that makes intervals of scores between 0 and 1 (0)
  --ignore-unread
                ask although the test set holds what is not read; it is told all the same
  --json        the report as JSON
${CONNECTION_HELP}

Intervals are Wilson's for scores of 0 and 1. Refused questions score 0. Ctrl-C prints what is there.
OUTSIDE: of pictures that the model was not trained for. AURC: how wrong answers are when only the surest are taken, the mean
over all shares; 0 is best. LOST, WON: questions right before and wrong now, and the other way round. CHANCE: how likely so
great a loss is where nothing changed.

Exit codes: 0 done · 1 refused, or worse than the baseline · 64 wrong usage · 69 not there or not ready, try again · 130 interrupted
`;

/** The arguments of `eval`, checked. */
export interface EvalSettings {
  readonly file: string;
  readonly metric: Metric;
  readonly canvas: number | undefined;
  /** Empty: each question's own. */
  readonly steps: readonly number[];
  /** Absent: the model's own. */
  readonly mode: AnswerMode | undefined;
  readonly refresh: number | undefined;
  readonly families: readonly string[];
  readonly limit: number;
  readonly engine: "api" | "local";
  readonly bundle: string | undefined;
  readonly version: string | undefined;
  readonly provider: (typeof engineProviders)[number];
  readonly threads: number | undefined;
  readonly model: string | undefined;
  readonly concurrency: number;
  readonly usesCache: boolean;
  readonly out: string | undefined;
  readonly resumes: boolean;
  readonly baseline: string | undefined;
  readonly seed: number;
  readonly ignoresUnread: boolean;
  readonly isJson: boolean;
  readonly url: string | undefined;
  readonly key: string | undefined;
}

/** More on their way at once fill the service's queue and memory here, and answer no sooner. */
const MAX_CONCURRENCY = 64;

/** Reads the arguments. Throws UsageError. */
export function readSettings(args: readonly string[]): EvalSettings {
  const { values, positionals } = parse(args);
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0)
    throw new UsageError("eval takes one test set: unmask eval questions.jsonl");
  const engine = oneOf("--engine", values.engine ?? "api", ["api", "local"]);
  if (engine === "local" && values.bundle === undefined)
    throw new UsageError("--engine local needs --bundle, such as infra/demo-model/bundle");
  const concurrency = whole("--concurrency", values.concurrency) ?? 1;
  if (concurrency > MAX_CONCURRENCY || (engine === "local" && concurrency > 1))
    throw new UsageError(`--concurrency is at most ${MAX_CONCURRENCY}, and 1 for a local engine`);
  if (values.resume === true && values.out === undefined)
    throw new UsageError("--resume needs --out, the file to go on with");
  return {
    file,
    metric: oneOf("--metric", values.metric ?? "exact", METRICS),
    canvas: whole("--canvas", values.canvas),
    steps: (values.steps?.split(",") ?? []).flatMap((text) => whole("--steps", text.trim()) ?? []),
    mode: values.mode === undefined ? undefined : oneOf("--mode", values.mode, answerModes),
    refresh: whole("--refresh", values.refresh),
    families: values.families?.split(",").map((family) => family.trim()) ?? [],
    limit: whole("--limit", values.limit) ?? Number.POSITIVE_INFINITY,
    engine,
    bundle: values.bundle,
    version: values.version,
    provider: oneOf("--provider", values.provider ?? "cpu", engineProviders),
    threads: whole("--threads", values.threads),
    model: values.model,
    concurrency,
    usesCache: values.cache === true,
    out: values.out,
    resumes: values.resume === true,
    baseline: values.baseline,
    seed: whole("--seed", values.seed, 0) ?? 0,
    ignoresUnread: values["ignore-unread"] === true,
    isJson: values.json === true,
    url: values.url,
    key: values.key,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  return parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      metric: text,
      canvas: text,
      steps: text,
      mode: text,
      refresh: text,
      families: text,
      limit: text,
      engine: text,
      bundle: text,
      version: text,
      provider: text,
      threads: text,
      model: text,
      concurrency: text,
      cache: flag,
      out: text,
      resume: flag,
      baseline: text,
      seed: text,
      json: flag,
      "ignore-unread": flag,
      url: text,
      key: text,
    },
  });
}

function oneOf<Name extends string>(option: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new UsageError(`${option} is one of ${names.join(", ")}`);
  return found;
}

function whole(option: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^[0-9]{1,9}$/.test(text) || number < least)
    throw new UsageError(`${option} takes whole numbers from ${least}`);
  return number;
}
