import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Trust } from "#domain/trust.ts";
import { MAX_MANIFEST_BYTES } from "#weights/limits.ts";
import { parseTrust } from "#weights/trust-file.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { type CommandIo, UsageError } from "../command.ts";

/** Option that says how far a model can be trusted, for `parseArguments`. */
export const TRUST_OPTION = { trust: { type: "string" } } as const;

/** Help on the option, as wide as `option` is to be. */
export function trustHelp(width: number): string {
  return `  ${"--trust".padEnd(width)} FILE.json: what the model's maker says of its world, its confidence and when it abstains`;
}

/** Reads the file that the option names; undefined without one. Throws UsageError that says what is wrong with it. */
export async function readTrust(
  file: string | undefined,
  { cwd, signal }: Pick<CommandIo, "cwd" | "signal">,
): Promise<Trust | undefined> {
  if (file === undefined) return undefined;
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await readFile(path.resolve(cwd, file), { signal }));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "EISDIR" && code !== "EACCES") throw cause;
    throw new UsageError(`--trust ${file}: the file cannot be read (${code})`, { cause });
  }
  if (bytes.byteLength > MAX_MANIFEST_BYTES)
    throw new UsageError(
      `--trust ${file}: ${bytes.byteLength} bytes are more than a manifest may have, ${MAX_MANIFEST_BYTES}`,
    );
  try {
    return parseTrust(bytes, file);
  } catch (cause) {
    if (!(cause instanceof WeightsError)) throw cause;
    throw new UsageError(`--trust: ${cause.message}`, { cause });
  }
}
