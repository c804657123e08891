import { access, open, stat } from "node:fs/promises";
import { UsageError } from "../../command.ts";
import { Census, type CensusFindings } from "./census.ts";
import { Faults, type Skipped } from "./faults.ts";
import { keepPicture } from "./kept-picture.ts";
import type { NamedPicture } from "./pictures.ts";
import { type ReadOptions, type ReadQuestion, readQuestion } from "./read-question.ts";
import { jsonDocument } from "./rows/json.ts";
import { jsonLines } from "./rows/jsonl.ts";
import { parquetRows } from "./rows/parquet.ts";
import type { RowSource } from "./rows/row-source.ts";
import { textTable } from "./rows/table.ts";
import { SharedPictures } from "./shared-pictures.ts";
import { type Members, RowFault, type TestQuestion } from "./test-question.ts";

/** Which questions of a file are asked. */
export interface Selection {
  /** Empty: all. */
  readonly families: readonly string[];
  readonly limit: number;
}

export interface TestSetOptions extends Omit<ReadOptions, "isText">, Selection {
  /** Whether rows with faults are left out and counted; otherwise one of them is enough for nothing to be asked. */
  readonly skipsFaulty: boolean;
  readonly signal: AbortSignal;
}

/** A file of questions that was looked through once. Nothing of its texts and pictures is kept: each reading is from the file. */
export interface TestSet extends AsyncDisposable {
  readonly file: string;
  /** Ids of the questions that are asked, in their order. */
  readonly ids: readonly string[];
  readonly families: readonly string[];
  /** Rows that were left out, by what is wrong with them. */
  readonly skipped: readonly Skipped[];
  readonly findings: CensusFindings;
  /** How many of the questions are scored by each metric. */
  readonly metrics: ReadonlyMap<string, number>;
  /** Reads the questions that are asked, in the order of `ids`. */
  questions(): AsyncGenerator<TestQuestion, void, undefined>;
}

/**
 * Opens a test set and looks through all of it. Throws UsageError that names what is wrong: nothing is asked of a file that is
 * not right.
 */
export async function openTestSet(file: string, options: TestSetOptions): Promise<TestSet> {
  const source = await openRows(file);
  const reading = { ...options, isText: source.isText };
  const seen = await lookThrough(source, reading, file);
  const shared = new SharedPictures(seen.owners);
  return {
    file,
    ids: seen.ids,
    families: [...seen.families],
    skipped: seen.faults.skipped(),
    findings: seen.census.findings(),
    metrics: seen.metrics,
    questions: () => readSelected(source, reading, seen, shared),
    [Symbol.asyncDispose]: () => shared[Symbol.asyncDispose](),
  };
}

/** Opens a file by its ending. Throws UsageError where there is no such file. */
async function openRows(file: string): Promise<RowSource> {
  await stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(`the questions ${file} cannot be read (${cause.code})`, { cause });
  });
  const [, ending = ""] = /\.([a-z0-9]+)$/i.exec(file) ?? [];
  switch (ending.toLowerCase()) {
    case "json":
      return await jsonDocument(file);
    case "tsv":
      return textTable(file, "\t");
    case "csv":
      return textTable(file, ",");
    case "parquet":
      return await parquetRows(file);
    case "jsonl":
    case "ndjson":
      return jsonLines(file);
    default:
      // Of other names it is JSONL where it begins as that; an .xlsx would be as many faults as it has lines.
      if (/^\s*\{/.test(await beginningOf(file))) return jsonLines(file);
      throw new UsageError(
        `${file} is none of the files that eval reads: .jsonl, .json, .tsv, .csv or .parquet, by the ending of its name`,
      );
  }
}

/** Bytes in which a first line of JSON begins, behind whatever an editor put before it. */
const BEGINNING_BYTES = 256;

async function beginningOf(file: string): Promise<string> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(BEGINNING_BYTES));
  return buffer.toString("utf8", 0, bytesRead).replace(/^\u{FEFF}/u, "");
}

type Reading = TestSetOptions & ReadOptions;

/** What the first reading keeps of every row that is asked: its id and its number. */
interface LookedThrough {
  readonly ids: readonly string[];
  readonly rows: ReadonlySet<number>;
  readonly families: ReadonlySet<string>;
  readonly metrics: ReadonlyMap<string, number>;
  /** Ids of rows whose pictures others point to. */
  readonly owners: ReadonlySet<string>;
  readonly faults: Faults;
  readonly census: Census;
}

async function lookThrough(
  source: RowSource,
  reading: Reading,
  file: string,
): Promise<LookedThrough> {
  const faults = new Faults(source.unit);
  const census = new Census(source.unit, reading.map);
  // A row by its id, below 0 where it has no picture of its own: of a million rows this is all that is kept.
  const known = new Map<string, number>();
  const [families, owners] = [new Set<string>(), new Set<string>()];
  const metrics = new Map<string, number>();
  const ids: string[] = [];
  const rows = new Set<number>();
  for await (const row of source.rows()) {
    const question = await faults.catching(row, async (members) => {
      const read = readQuestion(members, row.number, reading);
      const first = known.get(read.id);
      if (first !== undefined)
        throw new RowFault(`id ${read.id} is that of ${source.unit} ${Math.abs(first)}`);
      for (const picture of read.pictures) {
        if (picture.kind !== "row") await findPicture(picture, reading.signal);
        else if ((known.get(picture.id) ?? 0) > 0) owners.add(picture.id);
        else
          throw new RowFault(
            `its picture is that of ${picture.id}, and no earlier ${source.unit} of that id has one`,
          );
      }
      census.see(members, read);
      return read;
    });
    if (question === undefined) continue;
    const { id, family, metric, pictures } = question;
    known.set(id, pictures.some(({ kind }) => kind !== "row") ? row.number : -row.number);
    families.add(family);
    const isWanted = reading.families.length === 0 || reading.families.includes(family);
    if (!isWanted || ids.length >= reading.limit) continue;
    metrics.set(metric, (metrics.get(metric) ?? 0) + 1);
    ids.push(id);
    rows.add(row.number);
  }
  checkFound({ faults, count: known.size, families, file }, reading);
  return { ids, rows, families, metrics, owners, faults, census };
}

function checkFound(
  {
    faults,
    count,
    families,
    file,
  }: {
    readonly faults: Faults;
    readonly count: number;
    readonly families: ReadonlySet<string>;
    readonly file: string;
  },
  { skipsFaulty, families: wanted }: Reading,
): void {
  if (!faults.isEmpty && !skipsFaulty)
    throw new UsageError(
      `${file} is no test set, nothing was asked:\n${faults.listed()}\nMend it, or leave such ${faults.unit}s out with --skip-faulty.`,
    );
  if (count === 0)
    throw new UsageError(
      `${file} holds no questions${faults.isEmpty ? "" : `:\n${faults.listed()}`}`,
    );
  const unknown = wanted.filter((family) => !families.has(family));
  if (unknown.length > 0)
    throw new UsageError(
      `no question is of family ${unknown.join(", ")}; there are ${[...families].join(", ")}`,
    );
}

/** A picture that is missing is better known now than after an hour of asking. */
async function findPicture(picture: NamedPicture, signal: AbortSignal): Promise<void> {
  if (picture.kind === "address") await keepPicture(picture.address, picture.path, signal);
  if (picture.kind !== "file") return;
  await access(picture.path).catch((cause: NodeJS.ErrnoException) => {
    throw new RowFault(`the picture ${picture.path} cannot be read (${cause.code})`, { cause });
  });
}

async function* readSelected(
  source: RowSource,
  reading: Reading,
  { rows }: LookedThrough,
  shared: SharedPictures,
): AsyncGenerator<TestQuestion, void, undefined> {
  for await (const row of source.rows()) {
    const isAsked = rows.has(row.number);
    if (!("members" in row) || !(isAsked || shared.isNeeded)) continue;
    const question = readAgain(row.members, row.number, reading);
    if (question === undefined) continue;
    const { columns: _columns, pictures, ...rest } = question;
    await shared.keep(question);
    if (isAsked)
      yield { ...rest, pictures: pictures.flatMap((picture) => shared.settled(picture)) };
  }
}

/** Undefined for a row that the first reading left out. */
function readAgain(members: Members, row: number, reading: Reading): ReadQuestion | undefined {
  try {
    return readQuestion(members, row, reading);
  } catch (cause) {
    if (cause instanceof RowFault) return undefined;
    throw cause;
  }
}
