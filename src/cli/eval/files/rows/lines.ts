import { createReadStream } from "node:fs";
import { UsageError } from "../../../command.ts";
import { MAX_ROW_BYTES } from "./row-source.ts";

const LINE_FEED = 0x0a;

/** Reads a file line by line, without the line ends, holding one line at a time. Throws UsageError for a line of more than `MAX_ROW_BYTES`. */
export async function* linesOf(file: string): AsyncGenerator<string, void, undefined> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      const part = chunk.subarray(start, end === -1 ? chunk.length : end);
      parts.push(part);
      bytes += part.length;
      if (bytes > MAX_ROW_BYTES)
        throw new UsageError(`${file} has a line of more than ${MAX_ROW_BYTES} bytes`);
      if (end === -1) break;
      yield textOf(parts);
      parts = [];
      bytes = 0;
      start = end + 1;
    }
  }
  if (bytes > 0) yield textOf(parts);
}

function textOf(parts: readonly Uint8Array[]): string {
  const text = Buffer.concat(parts).toString("utf8");
  return text.endsWith("\r") ? text.slice(0, -1) : text;
}
