import { createReadStream } from "node:fs";
import { CsvError, type Info, parse } from "csv-parse";
import { UsageError } from "../../../command.ts";
import { MAX_ROW_BYTES, type RowSource, type SourceRow } from "./row-source.ts";

/** A table of text with a head, its cells parted by tabs or commas and quoted as RFC 4180 has it: what pandas writes, VLMEvalKit's TSV among it. */
export function textTable(file: string, delimiter: "\t" | ","): RowSource {
  return { unit: "row", isText: true, rows: () => rowsOf(file, delimiter) };
}

async function* rowsOf(
  file: string,
  delimiter: string,
): AsyncGenerator<SourceRow, void, undefined> {
  const parser = createReadStream(file).pipe(
    parse({
      columns: true,
      bom: true,
      delimiter,
      info: true,
      skip_empty_lines: true,
      max_record_size: MAX_ROW_BYTES,
    }),
  );
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      readonly record: Record<string, string>;
      readonly info: Info;
    }>)
      yield { number: info.records, members: record };
  } catch (cause) {
    // A quote that is never closed makes all that follows one cell: nothing behind it can be trusted.
    if (cause instanceof CsvError)
      throw new UsageError(`${file} is no table: ${cause.message.slice(0, 200)}`, { cause });
    throw cause;
  }
}
