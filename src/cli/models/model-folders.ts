import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { ENCODING_REVISION } from "#weights/checkpoint/checkpoint-digest.ts";
import { type ModelRecord, parseRecord } from "#weights/model-record.ts";
import { WeightsError } from "#weights/weights-error.ts";
import type { CommandIo } from "../command.ts";

/**
 * The folder in which converted models lie, one folder each: a bundle, and a record of what it came of. `UNMASK_MODELS` names
 * it; otherwise it is the user's cache folder, and not the state of one `npm start`: a conversion takes longer than anything
 * else that one may want to begin anew, and several clones share it.
 */
export function modelsFolder({ cwd, env }: Pick<CommandIo, "cwd" | "env">): string {
  const named = env["UNMASK_MODELS"];
  if (named !== undefined && named !== "") return path.resolve(cwd, named);
  const home = env["HOME"] ?? homedir();
  const cache =
    env["XDG_CACHE_HOME"] ||
    path.join(home, process.platform === "darwin" ? "Library/Caches" : ".cache");
  return path.join(cache, "unmask", "models");
}

/** The folder's name of one model: whatever decides its bytes is a part of it. */
export function folderName(name: string, version: string): string {
  return `${name}-${version}-r${ENCODING_REVISION}`;
}

/** The record of a finished model, beside its `models/` and `blobs/`. */
export const RECORD_FILE = "model.json";
const LOCKS = "locks";

/** A model that lies in the folder: finished, or begun. */
export interface KeptModel {
  readonly folder: string;
  /** Undefined where the conversion has not come to its end. */
  readonly record: ModelRecord | undefined;
}

/** Lists what lies in the folder, in the order of names. None where there is no such folder. */
export async function keptModels(models: string): Promise<readonly KeptModel[]> {
  const entries = await readdir(models, { withFileTypes: true }).catch(noneIfMissing);
  const folders = entries
    .filter((entry) => entry.isDirectory() && entry.name !== LOCKS)
    .map(({ name }) => path.join(models, name))
    .sort();
  return Promise.all(folders.map(async (folder) => ({ folder, record: await readRecord(folder) })));
}

/** Reads what is remembered of the model in a folder; undefined where it is not finished or not there. */
export async function readRecord(folder: string): Promise<ModelRecord | undefined> {
  const text = await readFile(path.join(folder, RECORD_FILE), "utf8").catch(nothingIfMissing);
  return text === undefined ? undefined : parseRecord(text);
}

/** Remembers a model: whole or not at all. */
export async function writeRecord(folder: string, record: ModelRecord): Promise<void> {
  const file = path.join(folder, RECORD_FILE);
  const draft = `${file}.${randomUUID()}.part`;
  await writeFile(draft, `${JSON.stringify(record, null, 2)}\n`);
  await rename(draft, file);
}

/** Where the lock of a model's folder lies: beside it, because the folder may be removed while the lock is held. Makes its folder. */
export async function lockFile(folder: string): Promise<string> {
  const locks = path.join(path.dirname(folder), LOCKS);
  try {
    await mkdir(locks, { recursive: true });
  } catch (cause) {
    throw new WeightsError(
      "access_denied",
      `${path.dirname(folder)} cannot be written to; UNMASK_MODELS names another folder`,
      { cause },
    );
  }
  return path.join(locks, `${path.basename(folder)}.lock`);
}

/** Removes what writes that were killed have left. Only under the model's lock: a draft may be another process's. */
export async function removeDrafts(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    noneIfMissing,
  );
  for (const entry of entries) {
    if (entry.isFile() && entry.name.endsWith(".part"))
      await rm(path.join(entry.parentPath, entry.name), { force: true });
  }
}

/** Bytes of all files under a folder; 0 where there is none. */
export async function bytesUnder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    noneIfMissing,
  );
  let total = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await stat(path.join(entry.parentPath, entry.name)).catch(nothingIfMissing);
    total += found?.size ?? 0;
  }
  return total;
}

function noneIfMissing(cause: unknown): [] {
  nothingIfMissing(cause);
  return [];
}

/** For `catch`: a file that is not there is undefined, whatever else is thrown on. */
export function nothingIfMissing(cause: unknown): undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw cause;
}
