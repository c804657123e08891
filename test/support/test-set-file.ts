import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CHOICE_SUFFIX } from "#cli/eval/files/read-question.ts";
import { openTestSet, type TestSet, type TestSetOptions } from "#cli/eval/files/test-set.ts";

/** A picture of one pixel, as PNG. */
export const PIXEL: Uint8Array<ArrayBuffer> = new Uint8Array(
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC",
    "base64",
  ),
);

/** Writes a file of a test set into a folder of its own, where `a.png` and `b.png` lie beside it. */
export function testSetFile(content: string | Uint8Array, name = "questions.jsonl"): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unmask-test-set-"));
  for (const picture of ["a.png", "b.png"]) writeFileSync(path.join(folder, picture), PIXEL);
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** Lines of JSON; texts stand as they are. */
export function linesOf(...lines: unknown[]): string {
  return lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
}

/** Opens a test set as `unmask eval` does that is told nothing. */
export async function openForTest(
  file: string,
  options: Partial<TestSetOptions> = {},
): Promise<TestSet> {
  return await openTestSet(file, {
    places: { folder: path.dirname(file), kept: undefined },
    map: {},
    metric: "exact",
    suffix: "",
    choiceSuffix: CHOICE_SUFFIX,
    families: [],
    limit: Number.POSITIVE_INFINITY,
    skipsFaulty: false,
    signal: new AbortController().signal,
    ...options,
  });
}
