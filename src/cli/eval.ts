import path from "node:path";
import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import { readCudaSettings } from "#inference/runtime/cuda/cuda-settings.ts";
import { mulberry32 } from "#model/decode/noise.ts";
import { type CommandIo, EXIT, UsageError } from "./command.ts";
import { explain, findConnection } from "./connection.ts";
import { openTarget } from "./convert/location.ts";
import type { Answerer } from "./eval/answering/answerer.ts";
import { apiAnswerer } from "./eval/answering/api-answerer.ts";
import { localAnswerer } from "./eval/answering/local-answerer.ts";
import { evaluate } from "./eval/evaluation.ts";
import { readQuestionFile, type TestQuestion } from "./eval/files/question-file.ts";
import { findUnread } from "./eval/files/unread.ts";
import { type BaselineReport, compareWithBaseline, drawBaseline } from "./eval/report/baseline.ts";
import { startProgress } from "./eval/report/progress.ts";
import { drawReport, reportOf } from "./eval/report/report.ts";
import {
  appendResult,
  beginResults,
  mendResults,
  type Result,
  readResults,
  type Task,
  taskOf,
} from "./eval/results.ts";
import { type EvalSettings, readSettings } from "./eval/settings.ts";

/** Canvas of a question for which nobody names one: always the same, whatever a model's own default, so that scores compare. */
const DEFAULT_CANVAS = 32;

/** What the model that ships is called. */
const DEMO_MODEL = "unmask-demo";

/** The command `eval`: see its help. */
export async function evaluateFile(args: readonly string[], io: CommandIo): Promise<number> {
  const settings = readSettings(args);
  const file = path.resolve(io.cwd, settings.file);
  const testSet = await readQuestionFile(file, settings.metric);
  tellUnread(testSet, file, settings, io);
  const questions = selected(testSet, settings);
  const rounds = roundsOf(questions, settings);
  const out = settings.out === undefined ? undefined : path.resolve(io.cwd, settings.out);
  const results = await openResults(out, settings.resumes);
  const baseline = await openBaseline(settings, io);
  await using answerer = await openAnswerer(settings, io);
  const fault = await askAll(rounds, results, { settings, out, answerer, io });
  const compared = baseline && compareRounds(rounds, results, baseline, settings);
  printReport({ rounds, results, answerer: answerer.name, compared }, settings, io);
  if (fault === undefined) return compared?.is_worse === true ? EXIT.failed : EXIT.done;
  if (io.signal.aborted) return EXIT.interrupted;
  if (isServices(fault.cause)) return explain(fault.cause, io);
  throw fault.cause;
}

/** A score of questions without what belongs to them is a number about nothing. */
function tellUnread(
  questions: readonly TestQuestion[],
  file: string,
  { ignoresUnread }: EvalSettings,
  io: CommandIo,
): void {
  const { missed, others } = findUnread(questions);
  const listed = missed.map((line) => `  ${line}\n`).join("");
  if (missed.length > 0 && !ignoresUnread)
    throw new UsageError(
      `${file} holds what eval does not read, nothing was asked:\n${listed}Rename it, or ask all the same with --ignore-unread.`,
    );
  if (missed.length > 0) io.stderr.write(`not read, as you said:\n${listed}`);
  if (others.length > 0) io.stderr.write(`members that are not read: ${others.join(", ")}\n`);
}

/** All questions at one number of steps. */
interface Round {
  /** Null: each question has its own. */
  readonly steps: number | null;
  readonly tasks: readonly Task[];
}

/** One round after the other: what Ctrl-C leaves is whole columns. */
function roundsOf(questions: readonly TestQuestion[], settings: EvalSettings): readonly Round[] {
  const rounds = settings.steps.length === 0 ? [null] : settings.steps;
  return rounds.map((round) => ({
    steps: round,
    tasks: questions.map((question) => {
      const canvas = settings.canvas ?? question.canvas ?? DEFAULT_CANVAS;
      const steps = Math.min(round ?? question.steps ?? canvas, canvas);
      const { mode, refresh } = settings;
      return taskOf(question, { canvas, steps, mode, refresh }, settings.model ?? "");
    }),
  }));
}

interface Evaluating {
  readonly settings: EvalSettings;
  readonly out: string | undefined;
  readonly answerer: Answerer;
  readonly io: CommandIo;
}

/** Asks what has no result yet and puts the results in `results`. Resolves to what stopped it early, if anything did. */
async function askAll(
  rounds: readonly Round[],
  results: Map<string, Result>,
  { settings, out, answerer, io }: Evaluating,
): Promise<{ readonly cause: unknown } | undefined> {
  // Steps above a canvas are its own number: equal tasks of several rounds are asked once.
  const tasks = new Map(rounds.flatMap((round) => round.tasks).map((task) => [task.key, task]));
  const open = [...tasks.values()].filter(({ key }) => !results.has(key));
  if (open.length < tasks.size)
    io.stderr.write(`${tasks.size - open.length} of ${tasks.size} were asked before\n`);
  const now = () => performance.now();
  const progress = startProgress(open.length, io, now);
  try {
    await evaluate({
      tasks: open,
      answerer,
      concurrency: settings.concurrency,
      now,
      signal: io.signal,
      async onResult(result) {
        results.set(result.key, result);
        if (out !== undefined) await appendResult(out, result);
        progress.count(result.score);
      },
    });
    return undefined;
  } catch (cause) {
    return { cause };
  } finally {
    progress.end();
  }
}

function selected(
  questions: readonly TestQuestion[],
  { families, limit }: EvalSettings,
): readonly TestQuestion[] {
  const known = new Set(questions.map(({ family }) => family));
  const unknown = families.filter((family) => !known.has(family));
  if (unknown.length > 0)
    throw new UsageError(
      `no question is of family ${unknown.join(", ")}; there are ${[...known].join(", ")}`,
    );
  return questions
    .filter(({ family }) => families.length === 0 || families.includes(family))
    .slice(0, limit);
}

async function openResults(
  out: string | undefined,
  resumes: boolean,
): Promise<Map<string, Result>> {
  if (out === undefined) return new Map();
  if (resumes) {
    await mendResults(out);
    return await readResults(out);
  }
  await beginResults(out);
  return new Map();
}

/** Read before anything is asked: what cannot be compared is better known now than after an hour. */
async function openBaseline(
  { baseline }: EvalSettings,
  { cwd }: CommandIo,
): Promise<readonly Result[] | undefined> {
  if (baseline === undefined) return undefined;
  const file = path.resolve(cwd, baseline);
  const results = [...(await readResults(file)).values()];
  if (results.length === 0)
    throw new UsageError(
      `the baseline ${file} is not there or holds no results: make one with --out`,
    );
  return results;
}

function compareRounds(
  rounds: readonly Round[],
  results: ReadonlyMap<string, Result>,
  baseline: readonly Result[],
  { seed }: EvalSettings,
): BaselineReport {
  const keys = new Set(rounds.flatMap(({ tasks }) => tasks.map(({ key }) => key)));
  const found = [...keys].flatMap((key) => results.get(key) ?? []);
  const random = mulberry32(seed);
  return compareWithBaseline(found, baseline, () => random.next());
}

async function openAnswerer(settings: EvalSettings, io: CommandIo): Promise<Answerer> {
  const { bundle, version, provider, threads, model, usesCache } = settings;
  if (bundle !== undefined && settings.engine === "local")
    return await localAnswerer(
      {
        store: openTarget(bundle, io),
        model: model ?? DEMO_MODEL,
        provider,
        ...(provider === "cuda" ? { cuda: readCudaSettings(io.env) } : {}),
        ...(version === undefined ? {} : { version }),
        ...(threads === undefined ? {} : { threads }),
      },
      io.signal,
    );
  const connection = findConnection(settings, io);
  return apiAnswerer({ connection, usesCache, ...(model === undefined ? {} : { model }) });
}

interface Evaluated {
  readonly rounds: readonly Round[];
  readonly results: ReadonlyMap<string, Result>;
  readonly answerer: string;
  readonly compared: BaselineReport | undefined;
}

function printReport(
  { rounds, results, answerer, compared }: Evaluated,
  { seed, isJson }: EvalSettings,
  io: CommandIo,
): void {
  const random = mulberry32(seed);
  const found = rounds.map(({ steps, tasks }) => ({
    steps,
    results: tasks.flatMap(({ key }) => results.get(key) ?? []),
  }));
  const report = reportOf(
    found.filter((round) => round.results.length > 0),
    {
      answerer,
      isComplete: rounds.every(({ tasks }) => tasks.every(({ key }) => results.has(key))),
      uniform: () => random.next(),
    },
  );
  const drawn = (): string => drawReport(report) + (compared ? `\n${drawBaseline(compared)}` : "");
  io.stdout.write(isJson ? `${JSON.stringify({ ...report, baseline: compared })}\n` : drawn());
}

/** What the service did, and `explain` has words for. */
function isServices(cause: unknown): boolean {
  return [ConnectionError, ReplyError, RefusedError].some((kind) => cause instanceof kind);
}
