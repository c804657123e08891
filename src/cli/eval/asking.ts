import { ConnectionError, RefusedError, ReplyError } from "#client/errors.ts";
import { readCudaSettings } from "#inference/runtime/cuda/cuda-settings.ts";
import { type CommandIo, UsageError } from "../command.ts";
import { findConnection } from "../connection.ts";
import { openTarget } from "../convert/location.ts";
import type { Answerer } from "./answering/answerer.ts";
import { apiAnswerer } from "./answering/api-answerer.ts";
import { EndpointFault } from "./answering/endpoint.ts";
import { endpointAnswerer } from "./answering/endpoint-answerer.ts";
import { localAnswerer } from "./answering/local-answerer.ts";
import type { Column } from "./columns.ts";
import { evaluate } from "./evaluation.ts";
import type { TestSet } from "./files/test-set.ts";
import type { Baseline } from "./report/baseline.ts";
import { type Progress, startProgress } from "./report/progress.ts";
import type { ColumnResults } from "./report/report.ts";
import type { Task } from "./results.ts";
import type { ResultsFile } from "./results-file.ts";
import type { EvalSettings } from "./settings.ts";
import { Tally } from "./tally.ts";
import { tasksOf } from "./tasks.ts";
import type { World } from "./world.ts";

/** What the model that ships is called. */
const DEMO_MODEL = "unmask-demo";

/** What asking takes. */
export interface Asking {
  readonly settings: EvalSettings;
  readonly testSet: TestSet;
  readonly columns: readonly Column[];
  readonly results: ResultsFile;
  readonly baseline: Baseline | undefined;
  readonly io: CommandIo;
  readonly world: World;
}

/** What came of all columns. */
export interface Asked {
  readonly columns: readonly ColumnResults[];
  /** What ended it early: of all columns, or of one that the others went on without. */
  readonly fault: { readonly cause: unknown } | undefined;
}

/**
 * Asks one column after the other: what Ctrl-C leaves is whole columns. A model of others that cannot be reached ends its own column;
 * the first fault of any other kind ends all.
 */
export async function askColumns(asking: Asking): Promise<Asked> {
  const { columns, testSet, io } = asking;
  const tallies = columns.map(({ name }) => new Tally(name, testSet.ids));
  await remember(asking, tallies);
  await using own = new OwnAnswerer(asking);
  const found: ColumnResults[] = [];
  let fault: Asked["fault"];
  for (const [index, column] of columns.entries()) {
    const tally = tallies[index] ?? new Tally(column.name, testSet.ids);
    const answerer =
      column.kind === "own" ? await own.open() : endpointAnswerer(column.endpoint, asking.world);
    const stopped = await askColumn(asking, column, answerer, tally);
    const said = stopped?.cause instanceof EndpointFault ? stopped.cause.message : "";
    const results = tally.results;
    found.push({
      column,
      answerer: answerer.name,
      stopped: stopped === undefined ? null : said,
      results,
    });
    fault ??= stopped;
    if (io.signal.aborted || (stopped !== undefined && said === "")) break;
  }
  return { columns: found, fault };
}

/** Puts the results of an earlier evaluation at their places; whether they are of the same tasks is seen when those are made. */
async function remember(
  { testSet, results, settings }: Asking,
  tallies: readonly Tally[],
): Promise<void> {
  if (!settings.resumes) return;
  const places = new Map(testSet.ids.map((id, place) => [id, place]));
  const byName = new Map(tallies.map((tally) => [tally.name, tally]));
  for await (const result of results.read()) {
    const place = places.get(result.id);
    if (place !== undefined) byName.get(result.column)?.remember(place, result);
  }
}

/** Resolves to what stopped it early, if anything did. */
async function askColumn(
  asking: Asking,
  column: Column,
  answerer: Answerer,
  tally: Tally,
): Promise<{ readonly cause: unknown } | undefined> {
  const { settings, testSet, columns, results, io, world } = asking;
  const progress = startProgress(
    testSet.ids.length,
    io,
    world.now,
    columns.length > 1 ? column.name : "",
  );
  try {
    await evaluate({
      tasks: openTasks(asking, column, tally, progress),
      answerer,
      concurrency: column.kind === "own" && settings.engine === "local" ? 1 : settings.concurrency,
      now: world.now,
      signal: io.signal,
      async onResult(result, { place }) {
        tally.put(place, result);
        await results.append(result);
        progress.count(result.score);
      },
    });
    return undefined;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    return { cause };
  } finally {
    progress.end();
    const before = tally.confirmed;
    if (before > 0) io.stderr.write(`${before} of ${testSet.ids.length} were asked before\n`);
  }
}

/** The tasks of a column that have no answer yet. */
async function* openTasks(
  { settings, testSet, baseline }: Asking,
  column: Column,
  tally: Tally,
  progress: Progress,
): AsyncGenerator<Task, void, undefined> {
  for await (const task of tasksOf(testSet, column, settings)) {
    baseline?.check(task);
    if (tally.confirm(task)) progress.pass();
    else yield task;
  }
}

/** The answerer of our own columns, opened for the first of them. */
class OwnAnswerer implements AsyncDisposable {
  readonly #asking: Asking;
  #opened: Answerer | undefined;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  async open(): Promise<Answerer> {
    this.#opened ??= await openOwn(this.#asking);
    return this.#opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]();
  }
}

async function openOwn({ settings, io, world }: Asking): Promise<Answerer> {
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
  return apiAnswerer({ connection, usesCache, world, ...(model === undefined ? {} : { model }) });
}

/** What the service did, and `explain` has words for. */
export function isServices(cause: unknown): boolean {
  return [ConnectionError, ReplyError, RefusedError].some((kind) => cause instanceof kind);
}
