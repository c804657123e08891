import { MAX_CHECKPOINT_JSON_BYTES } from "../limits.ts";
import { parseJson } from "../parse-json.ts";
import type { ByteSource } from "../source.ts";
import { WeightsError } from "../weights-error.ts";
import { refuseLfsPointer } from "./lfs-pointer.ts";

/** A Hugging Face folder, wherever it lies. */
export interface CheckpointFolder {
  /** Where it is, for messages. */
  readonly address: string;
  /** Returns the file names, or undefined where folders cannot be listed (plain https). */
  list(signal?: AbortSignal): Promise<readonly string[] | undefined>;
  /** Opens a file, or returns undefined if there is none of that name. */
  open(name: string, signal?: AbortSignal): Promise<ByteSource | undefined>;
}

/** Reads a JSON file that must be there. Throws WeightsError `checkpoint_invalid`. */
export async function readJson(
  folder: CheckpointFolder,
  name: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const source = await folder.open(name, signal);
  if (source === undefined) {
    throw new WeightsError("checkpoint_invalid", `${folder.address} has no ${name}`);
  }
  return parseFile(await readWhole(source, name, MAX_CHECKPOINT_JSON_BYTES, signal), name);
}

/** Reads a file of at most `limit` bytes. Throws WeightsError `checkpoint_invalid`, for a pointer of Git LFS in its place too. */
export async function readWhole(
  source: ByteSource,
  name: string,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (source.byteLength > limit) {
    throw new WeightsError(
      "checkpoint_invalid",
      `${name} has ${source.byteLength} bytes; allowed are ${limit}`,
    );
  }
  const content = await source.slice(0, source.byteLength, signal);
  refuseLfsPointer(content, name);
  return content;
}

/** Parses what was read, undefined for nothing. Throws WeightsError `checkpoint_invalid`. */
export function parseFile(bytes: Uint8Array | undefined, name: string): unknown {
  return parseJson(bytes, name, "checkpoint_invalid");
}
