import { type Members, RowFault } from "../test-question.ts";
import { linesOf } from "./lines.ts";
import type { RowSource, SourceRow } from "./row-source.ts";

/** An object a line; empty lines are passed over. Source: jsonlines.org. */
export function jsonLines(file: string): RowSource {
  return { unit: "line", isText: false, rows: () => rowsOf(linesOf(file)) };
}

async function* rowsOf(lines: AsyncIterable<string>): AsyncGenerator<SourceRow, void, undefined> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    // A byte order mark, as some editors write it, is no part of the first line.
    const text = number === 1 ? line.replace(/^\u{FEFF}/u, "") : line;
    if (text.trim() !== "") yield parsed(text, number);
  }
}

function parsed(line: string, number: number): SourceRow {
  try {
    return { number, members: membersOf(JSON.parse(line)) };
  } catch (cause) {
    if (cause instanceof RowFault) return { number, fault: cause };
    return { number, fault: new RowFault("is not JSON", { cause }) };
  }
}

/** Throws RowFault where a value is no object. */
export function membersOf(value: unknown): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RowFault("is no JSON object");
  return { ...value };
}
