import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { UsageError } from "../command.ts";
import { linesOf } from "./files/rows/lines.ts";
import type { Result } from "./results.ts";

/** The lines of an evaluation, one for each question and column, in the order in which they were asked. */
export class ResultsFile implements AsyncDisposable {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #folder: string | undefined;

  private constructor(file: string, handle: FileHandle, folder?: string) {
    this.file = file;
    this.#handle = handle;
    this.#folder = folder;
  }

  /** Begins a file, or goes on with one. Throws UsageError where it would overwrite one, and where it cannot be written. */
  static async open(file: string, resumes: boolean): Promise<ResultsFile> {
    const handle = await open(file, resumes ? "a+" : "ax+").catch(
      (cause: NodeJS.ErrnoException) => {
        throw new UsageError(
          cause.code === "EEXIST"
            ? `${file} is there already: --resume goes on with it`
            : `${file} cannot be written (${cause.code})`,
          { cause },
        );
      },
    );
    if (resumes) await cutHalfLine(handle);
    return new ResultsFile(file, handle);
  }

  /** Keeps results nowhere for long: texts of a million answers are not held in memory for a report that may name a hundred. */
  static async temporary(): Promise<ResultsFile> {
    const folder = await mkdtemp(path.join(tmpdir(), "unmask-eval-"));
    const file = path.join(folder, "results.jsonl");
    return new ResultsFile(file, await open(file, "ax+"), folder);
  }

  /** Appends a line, so that whatever stops the evaluation keeps what was asked. */
  async append(result: Result): Promise<void> {
    await this.#handle.appendFile(`${JSON.stringify(result)}\n`);
  }

  read(): AsyncGenerator<Result, void, undefined> {
    return readResults(this.file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Bytes that are looked through for the last line's start, at one time. */
const LOOK_BACK_BYTES = 65_536;

/** Takes off a last line that a crash cut off, so that the next one does not stand behind half of it. */
async function cutHalfLine(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat();
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - LOOK_BACK_BYTES);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(end - start),
      0,
      end - start,
      start,
    );
    const last = buffer.subarray(0, bytesRead).lastIndexOf("\n");
    if (last >= 0 || start === 0) return await handle.truncate(last >= 0 ? start + last + 1 : 0);
    end = start;
  }
}

/** Reads a results file, line by line. Throws UsageError where the file is another one. */
export async function* readResults(file: string): AsyncGenerator<Result, void, undefined> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    yield parseResult(line, `${file}, line ${number}`);
  }
}

function parseResult(line: string, place: string): Result {
  try {
    const value: unknown = JSON.parse(line);
    if (isResult(value)) {
      const { rows = 0, in_domain = null, abstained = false } = value;
      const { column = "", form = null, failed = false } = value;
      return { ...value, rows, in_domain, abstained, column, form, failed };
    }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new UsageError(`${place} is no result of unmask eval`);
}

/** What every line had from the first release on. */
type OldResult = Omit<Result, "rows" | "in_domain" | "abstained" | "column" | "form" | "failed"> &
  Partial<Result>;

function isResult(value: unknown): value is OldResult {
  if (typeof value !== "object" || value === null) return false;
  const fields: Partial<Record<keyof Result, unknown>> = value;
  const isNumber = (one: unknown): boolean => typeof one === "number" || one === null;
  return (
    typeof fields.key === "string" &&
    isNumber(fields.score) &&
    isNumber(fields.confidence) &&
    typeof fields.ms === "number"
  );
}
