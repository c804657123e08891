import path from "node:path";
import { mulberry32 } from "#model/decode/noise.ts";
import { type CommandIo, EXIT, UsageError } from "./command.ts";
import { explain } from "./connection.ts";
import { EndpointFault } from "./eval/answering/endpoint.ts";
import { type Asked, askColumns, isServices } from "./eval/asking.ts";
import { columnsOf } from "./eval/columns.ts";
import { CHOICE_SUFFIX } from "./eval/files/read-question.ts";
import { openTestSet, type TestSet } from "./eval/files/test-set.ts";
import { Baseline, type BaselineReport, drawBaseline } from "./eval/report/baseline.ts";
import { drawReport } from "./eval/report/draw.ts";
import { writeHtml } from "./eval/report/html/write.ts";
import { type Report, reportOf } from "./eval/report/report.ts";
import { ResultsFile } from "./eval/results-file.ts";
import { type EvalSettings, readSettings } from "./eval/settings.ts";
import { realWorld, type World } from "./eval/world.ts";

/** The command `eval`: see its help. */
export async function evaluateFile(
  args: readonly string[],
  io: CommandIo,
  world: World = realWorld,
): Promise<number> {
  const settings = readSettings(args, io.env);
  const columns = columnsOf(settings);
  const place = (file: string): string => path.resolve(io.cwd, file);
  await using testSet = await openQuestions(settings, io);
  tellFindings(testSet, settings, io);
  await using results =
    settings.out === undefined
      ? await ResultsFile.temporary()
      : await ResultsFile.open(place(settings.out), settings.resumes);
  const baseline =
    settings.baseline === undefined ? undefined : await Baseline.open(place(settings.baseline));
  const asked = await askColumns({ settings, testSet, columns, results, baseline, io, world });
  const random = mulberry32(settings.seed);
  const uniform = (): number => random.next();
  const report = reportOf(asked.columns, {
    testSet: path.basename(testSet.file),
    note: settings.note,
    questions: testSet.ids.length,
    skipped: testSet.skipped,
    uniform,
  });
  if (settings.html !== undefined)
    await writeHtml(place(settings.html), {
      report,
      columns: asked.columns,
      testSet,
      results: results.read(),
      now: world.date(),
    });
  const compared = baseline?.compare(ownResults(asked), uniform);
  printReport(report, compared, settings, io);
  return exitOf(asked, compared, io);
}

async function openQuestions(settings: EvalSettings, io: CommandIo): Promise<TestSet> {
  const file = path.resolve(io.cwd, settings.file);
  const { preset, keepPictures: kept } = settings;
  return await openTestSet(file, {
    places: {
      folder:
        settings.pictures === undefined
          ? path.dirname(file)
          : path.resolve(io.cwd, settings.pictures),
      kept: kept === undefined ? undefined : path.resolve(io.cwd, kept),
    },
    map: settings.map,
    metric: settings.metric,
    suffix: preset?.suffix ?? "",
    choiceSuffix: preset?.choiceSuffix ?? CHOICE_SUFFIX,
    families: settings.families,
    limit: settings.limit,
    skipsFaulty: settings.skipsFaulty,
    signal: io.signal,
  });
}

/** A score of questions without what belongs to them is a number about nothing. */
function tellFindings(
  { file, findings, metrics, skipped }: TestSet,
  { ignoresUnread, preset }: EvalSettings,
  io: CommandIo,
): void {
  const { read, missed, noted } = findings;
  const listed = missed.map((line) => `  ${line}\n`).join("");
  if (missed.length > 0 && !ignoresUnread)
    throw new UsageError(
      `${file} holds what eval does not read, nothing was asked:\n${listed}Say how it is to be read with --map, rename it, or ask all the same with --ignore-unread.`,
    );
  if (missed.length > 0) io.stderr.write(`not read, as you said:\n${listed}`);
  io.stderr.write(`read: ${read.join(", ")}\n`);
  const scored = [...metrics].map(([metric, count]) => `${count} by ${metric}`);
  io.stderr.write(`scored: ${scored.join(", ")}\n`);
  for (const line of noted) io.stderr.write(`${line}\n`);
  for (const { reason, rows, first } of skipped)
    io.stderr.write(`left out: ${rows}, the first in ${first}: ${reason}\n`);
  if (preset !== undefined && preset.differs !== "")
    io.stderr.write(`unlike the published protocol of ${preset.name}: ${preset.differs}\n`);
}

/** What a baseline is compared with: others have no weights of ours that could have become worse. */
function ownResults({ columns }: Asked) {
  return columns
    .filter(({ column }) => column.kind === "own")
    .flatMap(({ column, results }) =>
      results.flatMap((result) => (result === undefined ? [] : [{ column: column.name, result }])),
    );
}

function printReport(
  report: Report,
  compared: BaselineReport | undefined,
  { isJson }: EvalSettings,
  io: CommandIo,
): void {
  const drawn = (): string => drawReport(report) + (compared ? `\n${drawBaseline(compared)}` : "");
  io.stdout.write(isJson ? `${JSON.stringify({ ...report, baseline: compared })}\n` : drawn());
}

function exitOf({ fault }: Asked, compared: BaselineReport | undefined, io: CommandIo): number {
  if (fault === undefined) return compared?.is_worse === true ? EXIT.failed : EXIT.done;
  if (io.signal.aborted) return EXIT.interrupted;
  if (isServices(fault.cause)) return explain(fault.cause, io);
  if (!(fault.cause instanceof EndpointFault)) throw fault.cause;
  io.stderr.write(`${fault.cause.message}\n`);
  return EXIT.failed;
}
