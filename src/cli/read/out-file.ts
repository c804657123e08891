import { type FileHandle, open, readFile } from "node:fs/promises";
import path from "node:path";
import { type CommandIo, UsageError } from "../command.ts";
import { csvHead, csvRow, type ReadFormat, type ReadRow } from "./rows.ts";

/** Where rows go one by one, so that what was paid for is never lost. */
export interface RowFile extends AsyncDisposable {
  /** Pictures that it has already. */
  readonly has: ReadonlySet<string>;
  write(row: ReadRow): Promise<void>;
}

/**
 * Opens a file of rows to go on with it. A line that was cut off by a stop is taken off; what it has of other fields is a UsageError.
 */
export async function openRowFile(
  file: string,
  format: Extract<ReadFormat, "jsonl" | "csv">,
  names: readonly string[],
  io: Pick<CommandIo, "cwd">,
): Promise<RowFile> {
  const kept = await readKept(file, format, names, io);
  const handle = await open(path.resolve(io.cwd, file), kept.isThere ? "r+" : "w");
  await handle.truncate(Buffer.byteLength(kept.text));
  let at = Buffer.byteLength(kept.text);
  const write = async (text: string): Promise<void> => {
    const bytes = Buffer.from(text);
    await writeAll(handle, bytes, at);
    at += bytes.byteLength;
  };
  if (format === "csv" && kept.text === "") await write(csvHead(names));
  return {
    has: kept.pictures,
    write: (row) => write(format === "csv" ? csvRow(row, names) : `${JSON.stringify(row)}\n`),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** What of a file stays, and the pictures that it is of. */
interface Kept {
  readonly isThere: boolean;
  readonly text: string;
  readonly pictures: ReadonlySet<string>;
}

/** Reads what a file has already, and changes nothing. Throws UsageError where it is of other fields. */
export async function readKept(
  file: string,
  format: Extract<ReadFormat, "jsonl" | "csv">,
  names: readonly string[],
  { cwd }: Pick<CommandIo, "cwd">,
): Promise<Kept> {
  const before = await textOf(path.resolve(cwd, file), file);
  if (before === undefined) return { isThere: false, text: "", pictures: new Set() };
  const kept = format === "jsonl" ? keptJson(before, names, file) : keptCsv(before, names, file);
  return { isThere: true, ...kept };
}

async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, at + done);
    done += bytesWritten;
  }
}

async function textOf(resolved: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(resolved, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT") return undefined;
    if (code !== "EISDIR" && code !== "EACCES") throw cause;
    throw new UsageError(`--out ${file} cannot be written (${code})`, { cause });
  }
}

function keptJson(before: string, names: readonly string[], file: string): Omit<Kept, "isThere"> {
  const text = before.slice(0, before.lastIndexOf("\n") + 1);
  const pictures = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => {
      const row = parsed(line);
      if (row === undefined) throw notOurs(file, `line ${index + 1} is no row of it`);
      if (Object.keys(row.values).join() !== Object.keys(keyed(names)).join())
        throw notOurs(file, "its rows have other fields");
      return row.picture;
    });
  return { text, pictures: new Set(pictures) };
}

/** Members of an object whose names are whole numbers come first; so they do in a row. */
function keyed(names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, null]));
}

function parsed(line: string): Pick<ReadRow, "picture" | "values"> | undefined {
  try {
    const row: Partial<ReadRow> | null = JSON.parse(line);
    const { picture, values } = row ?? {};
    return typeof picture === "string" && typeof values === "object" && values !== null
      ? { picture, values }
      : undefined;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    return undefined;
  }
}

function keptCsv(before: string, names: readonly string[], file: string): Omit<Kept, "isThere"> {
  if (before === "") return { text: "", pictures: new Set() };
  const head = csvHead(names);
  if (!before.startsWith(head)) throw notOurs(file, "its columns are other ones");
  // A quoted cell may hold a line's end, so a row ends where the quotes before it are even.
  const pictures = new Set<string>();
  let [end, quotes, from] = [head.length, 0, head.length];
  for (let at = head.length; at < before.length; at++) {
    if (before[at] === '"') quotes += 1;
    if (before[at] !== "\n" || quotes % 2 === 1) continue;
    pictures.add(firstCell(before.slice(from, at)));
    [end, from] = [at + 1, at + 1];
  }
  return { text: before.slice(0, end), pictures };
}

function firstCell(row: string): string {
  const quoted = /^"((?:[^"]|"")*)"/.exec(row)?.[1];
  const cell = quoted?.replaceAll('""', '"') ?? row.slice(0, row.indexOf(","));
  return cell.replace(/^'(?=[=+\-@\t\r])/, "");
}

function notOurs(file: string, why: string): UsageError {
  return new UsageError(`${file} cannot be gone on with: ${why}. Give another --out`);
}
