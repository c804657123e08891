import type { CommandIo } from "../command.ts";
import { openRowFile, readKept } from "./out-file.ts";
import { csvHead, csvRow, type ReadFormat, type ReadRow, tableOf } from "./rows.ts";

/** Where rows go. */
export interface RowSink extends AsyncDisposable {
  /** Pictures that are there already. */
  readonly has: ReadonlySet<string>;
  /** Whether the same command goes on behind what is there. */
  readonly goesOn: boolean;
  /** Takes a row as soon as it is read. */
  write(row: ReadRow): Promise<void>;
  /** Takes all of them when no more come. */
  end(rows: readonly ReadRow[]): Promise<void>;
}

/** What decides where rows go. */
export interface SinkOptions {
  readonly format: ReadFormat;
  /** A file; absent: `stdout`. */
  readonly out: string | undefined;
  /** Nothing will be written. */
  readonly isQuote: boolean;
  /** Whether one picture is asked about, and not one of several. */
  readonly isSingle: boolean;
}

const nothing = async (): Promise<void> => undefined;

const UNREAD: RowSink = {
  has: new Set(),
  goesOn: false,
  write: nothing,
  end: nothing,
  [Symbol.asyncDispose]: nothing,
};

/** Opens what rows are written to. Throws UsageError for a file that holds something else. */
export async function openSink(
  { format, out, isQuote, isSingle }: SinkOptions,
  names: readonly string[],
  io: CommandIo,
): Promise<RowSink> {
  if (format === "table" || format === "json") {
    const end = async (rows: readonly ReadRow[]): Promise<void> => {
      if (rows.length === 0) return;
      const json = (): string => `${JSON.stringify(isSingle ? rows[0] : rows)}\n`;
      io.stdout.write(format === "json" ? json() : tableOf(rows, names));
    };
    return { ...UNREAD, end };
  }
  if (isQuote) {
    if (out === undefined) return UNREAD;
    return { ...UNREAD, has: (await readKept(out, format, names, io)).pictures };
  }
  if (out !== undefined) {
    const file = await openRowFile(out, format, names, io);
    return { ...UNREAD, ...file, goesOn: true };
  }
  if (format === "csv") io.stdout.write(csvHead(names));
  const text = (row: ReadRow): string =>
    format === "csv" ? csvRow(row, names) : `${JSON.stringify(row)}\n`;
  return { ...UNREAD, write: async (row) => void io.stdout.write(text(row)) };
}
