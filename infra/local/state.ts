import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { takeLock } from "#cli/models/lock.ts";

/** The folder of one local system: databases, objects, logs and keys. Only its owner can enter it, and one start at a time. */
export interface LocalState extends Disposable {
  readonly folder: string;
  /** A path inside. */
  readonly file: (name: string) => string;
}

/** What opens the local object storage; drawn once for each folder, so that no other one knows it. */
export interface StorageSecrets {
  /** Ends the buckets' names: workerd serves any object to whoever knows its bucket's name. */
  readonly bucket_suffix: string;
  readonly access_key_id: string;
  readonly secret_access_key: string;
}

const OTHERS = 0o077;

/** How long the edge of a start that was killed may take to write what it holds and end. */
const ENDING_MS = 15_000;

/**
 * Takes a state folder for this process, made if it is not there. From here on whatever this process and its children
 * create is readable by their owner only. Throws an Error that says what to do if another start holds the folder.
 */
export function takeState(folder: string): LocalState {
  process.umask(OTHERS);
  mkdirSync(folder, { recursive: true });
  if ((statSync(folder).mode & OTHERS) !== 0) tighten(folder);
  const file = (name: string): string => path.join(folder, name);
  const lock = takeLock(file("lock"), 0);
  if (lock === undefined) {
    throw new Error(
      `another start uses ${folder}: stop it, or give this one a folder and a port of its own:\n  UNMASK_STATE=${file("2")} npm start -- --port 0`,
    );
  }
  const edge = takeLock(file(EDGE_LOCK), ENDING_MS);
  if (edge === undefined) throw new Error(`the edge of an earlier start still uses ${folder}`);
  edge.close();
  return { folder, file, [Symbol.dispose]: () => lock.close() };
}

/** What the edge holds while it runs: it may outlive the start that a person has killed, by seconds. */
export const EDGE_LOCK = "edge.lock";

/** Writes a file whole or not at all: a start that is killed leaves the old one. */
export function writeWhole(file: string, content: unknown): void {
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** Reads a file that an earlier start left. Throws an Error that says what to do where it is damaged. */
export function readState<Content>(file: string, remove: string): Content {
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof content === "object" && content !== null) return content as Content;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new Error(`${file} is damaged: remove ${remove}, and "npm start" makes it anew`);
}

/** Reads the storage's secrets, drawing them at the first start. */
export function storageSecrets(state: LocalState): StorageSecrets {
  const file = state.file("storage.json");
  if (existsSync(file)) return readState<StorageSecrets>(file, state.folder);
  const secrets: StorageSecrets = {
    bucket_suffix: randomBytes(16).toString("hex"),
    access_key_id: randomBytes(16).toString("hex"),
    secret_access_key: randomBytes(32).toString("hex"),
  };
  writeWhole(file, secrets);
  return secrets;
}

/** Makes what lies in a folder its owner's alone: copies keep the modes of what they are of, and earlier versions left theirs open. */
export function tighten(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    chmodSync(path.join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
  chmodSync(folder, 0o700);
}
