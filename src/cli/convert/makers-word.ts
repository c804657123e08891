import { readFile } from "node:fs/promises";
import path from "node:path";
import type { ReadCard } from "#domain/read-style.ts";
import type { Trust } from "#domain/trust.ts";
import { MAX_MANIFEST_BYTES } from "#weights/limits.ts";
import { parseReadCard } from "#weights/read-card-file.ts";
import { parseTrust } from "#weights/trust-file.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { type CommandIo, UsageError } from "../command.ts";

/** What a model's maker says of it, which no tensor does. */
export interface MakersWord {
  /** How far it can be trusted. */
  readonly trust?: Trust;
  /** How values are read off pictures. */
  readonly read?: ReadCard;
}

/** The options' texts. */
export type WordFiles = { readonly [Option in keyof MakersWord]: string | undefined };

/** Options that name files with it, for `parseArguments`. */
export const WORD_OPTIONS = { trust: { type: "string" }, read: { type: "string" } } as const;

/** Help on the options, as wide as each is to be. */
export function wordHelp(width: number): string {
  const help = {
    trust:
      "FILE.json: what the model's maker says of its world, its confidence and when it abstains",
    read: "FILE.json: how values are read off pictures: the model's style, filler and temperatures",
  };
  return Object.entries(help)
    .map(([option, text]) => `  ${`--${option}`.padEnd(width)} ${text}`)
    .join("\n");
}

/** Reads the files that the options name. Throws UsageError that says what is wrong with which. */
export async function readWord(
  { trust: trustFile, read: readCardFile }: WordFiles,
  io: Pick<CommandIo, "cwd" | "signal">,
): Promise<MakersWord> {
  const trust = await readJson("--trust", trustFile, parseTrust, io);
  const read = await readJson("--read", readCardFile, parseReadCard, io);
  return { ...(trust === undefined ? {} : { trust }), ...(read === undefined ? {} : { read }) };
}

async function readJson<T>(
  option: string,
  file: string | undefined,
  parse: (bytes: Uint8Array, address: string) => T,
  { cwd, signal }: Pick<CommandIo, "cwd" | "signal">,
): Promise<T | undefined> {
  if (file === undefined) return undefined;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await readFile(path.resolve(cwd, file), { signal }));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "EACCES") throw cause;
    throw new UsageError(`${option} ${file}: the file cannot be read (${code})`, { cause });
  }
  if (bytes.byteLength > MAX_MANIFEST_BYTES)
    throw new UsageError(
      `${option} ${file}: ${bytes.byteLength} bytes are more than a manifest may have, ${MAX_MANIFEST_BYTES}`,
    );
  try {
    return parse(bytes, file);
  } catch (cause) {
    if (!(cause instanceof WeightsError)) throw cause;
    throw new UsageError(`${option}: ${cause.message}`, { cause });
  }
}
