import { readFile, stat } from "node:fs/promises";
import { UsageError } from "../../../command.ts";
import { RowFault } from "../test-question.ts";
import { membersOf } from "./jsonl.ts";
import type { RowSource, SourceRow } from "./row-source.ts";

/**
 * Threat: JSON is parsed as a whole, into some five times its bytes. The largest published sets of questions in it, without their
 * pictures, have some hundred megabytes; what has more is written as JSONL.
 */
const MAX_JSON_BYTES: number = 256 * 1024 * 1024;

/** Members under which files keep their rows: SQuAD's and DocVQA's `data`, VQA's `questions` and `annotations`, the dataset viewer's `rows`. */
const HOLDERS: readonly string[] = ["data", "rows", "questions", "annotations", "examples"];

/** What newcomers mean by it as often. */
const LINES = "a file with an object in each line is called .jsonl";

/** One JSON document: a list of objects, a list under one of `HOLDERS`, objects by id, or columns of equal length. */
export async function jsonDocument(file: string): Promise<RowSource> {
  const { size } = await stat(file);
  if (size > MAX_JSON_BYTES)
    throw new UsageError(
      `${file} has ${size} bytes; a JSON document may have ${MAX_JSON_BYTES}: write it as JSONL, an object a line`,
    );
  const list = listOf(parsed(await readFile(file, "utf8"), file), file);
  return {
    unit: "row",
    isText: false,
    async *rows() {
      for (const [index, value] of list.entries()) yield rowOf(value, index + 1);
    },
  };
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text.replace(/^\u{FEFF}/u, ""));
  } catch (cause) {
    throw new UsageError(`${file} is no JSON document; ${LINES}`, { cause });
  }
}

function listOf(document: unknown, file: string): readonly unknown[] {
  if (Array.isArray(document)) return document;
  if (typeof document !== "object" || document === null)
    throw new UsageError(`${file} is no list of questions`);
  const members: Readonly<Record<string, unknown>> = { ...document };
  for (const name of HOLDERS) {
    const held = members[name];
    if (Array.isArray(held)) return held;
  }
  const values = Object.entries(members);
  const columns = values.filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const [, first] = columns[0] ?? [];
  if (first !== undefined && columns.length === values.length)
    return first.map((_, row) => Object.fromEntries(columns.map(([name, of]) => [name, of[row]])));
  // MathVista's own: objects by id, which each says again or does not.
  const objects = values.filter(
    (entry): entry is [string, object] => typeof entry[1] === "object" && entry[1] !== null,
  );
  if (objects.length === values.length) return objects.map(([id, value]) => ({ id, ...value }));
  throw new UsageError(
    `${file} is a JSON object without a list of questions in ${HOLDERS.join(", ")}; ${LINES}`,
  );
}

/** The dataset viewer of Hugging Face wraps each row: {row_idx, row, truncated_cells}. */
function rowOf(value: unknown, number: number): SourceRow {
  try {
    const members = membersOf(value);
    const isWrapped = typeof members["row_idx"] === "number" && "row" in members;
    return { number, members: isWrapped ? membersOf(members["row"]) : members };
  } catch (cause) {
    if (cause instanceof RowFault) return { number, fault: cause };
    throw cause;
  }
}
