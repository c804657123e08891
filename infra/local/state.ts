import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

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

/**
 * Takes a state folder for this process, made if it is not there. From here on whatever this process and its children
 * create is readable by their owner only. Throws an Error that says what to do if another start holds the folder.
 */
export function takeState(folder: string): LocalState {
  process.umask(OTHERS);
  mkdirSync(folder, { recursive: true });
  if ((statSync(folder).mode & OTHERS) !== 0) tighten(folder);
  const lock = lockFile(path.join(folder, "lock"), folder);
  return {
    folder,
    file: (name) => path.join(folder, name),
    [Symbol.dispose]: () => lock.close(),
  };
}

/** Reads the storage's secrets, drawing them at the first start. */
export function storageSecrets(state: LocalState): StorageSecrets {
  const file = state.file("storage.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as StorageSecrets;
  const secrets: StorageSecrets = {
    bucket_suffix: randomBytes(16).toString("hex"),
    access_key_id: randomBytes(16).toString("hex"),
    secret_access_key: randomBytes(32).toString("hex"),
  };
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}

/**
 * SQLite's lock is the operating system's own: it goes with the process that holds it, however that ends, so there is
 * no stale one to be told from a live one.
 */
function lockFile(file: string, folder: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    const other = path.join(folder, "2");
    throw new Error(
      `another start uses ${folder}: stop it, or give this one a folder and a port of its own:\n  UNMASK_STATE=${other} npm start -- --port 0`,
      { cause },
    );
  }
  return database;
}

/** Earlier versions left what they wrote readable to everybody on the machine. */
function tighten(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    chmodSync(path.join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
  chmodSync(folder, 0o700);
}
