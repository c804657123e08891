import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { ObjectStore } from "#weights/object-store.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { readFileChunks } from "./loading/file-chunks.ts";

/**
 * Keeps objects as files under a folder: the bundle that ships with the code, a checkpoint on disk. The folder need not exist
 * before the first write. A write appears whole or not at all, also to other processes.
 * An ETag is size and time of change, so a file that is replaced within one tick of the clock by one of equal size looks unchanged.
 */
export function fileStore(folder: string): ObjectStore {
  const root = path.resolve(folder);
  const store: ObjectStore = {
    address: root,
    async head(key, signal) {
      signal?.throwIfAborted();
      const found = await statOf(fileOf(root, key));
      return found?.isFile() ? { bytes: found.size, etag: etagOf(found) } : undefined;
    },
    async get(key, { range, ifMatch, signal } = {}) {
      const file = fileOf(root, key);
      const head = await store.head(key, signal);
      if (head === undefined) throw new WeightsError("not_found", `${root} has no ${key}`);
      if (ifMatch !== undefined && ifMatch !== head.etag) {
        throw new WeightsError("object_changed", `${file} was replaced`);
      }
      const offset = range?.offset ?? 0;
      if (offset > 0 && offset >= head.bytes) {
        throw new WeightsError("store_refused", `${file} ends before byte ${offset}`);
      }
      const end = Math.min(head.bytes, range === undefined ? head.bytes : offset + range.bytes);
      const chunks = end === 0 ? nothing() : readFile(file, offset, end, signal);
      return { objectBytes: head.bytes, etag: head.etag, offset, chunks };
    },
    put: (key, bytes, signal) => store.putStream(key, once(bytes), signal),
    async putStream(key, chunks, signal) {
      const file = fileOf(root, key);
      const draft = `${file}.${randomUUID()}.part`;
      try {
        await mkdir(path.dirname(file), { recursive: true });
        const handle = await open(draft, "wx");
        try {
          for await (const chunk of chunks) {
            signal?.throwIfAborted();
            await handle.writeFile(chunk);
          }
        } finally {
          await handle.close();
        }
        await rename(draft, file);
      } catch (error) {
        await rm(draft, { force: true }).catch(() => undefined); // where it cannot even be looked for there is none
        throw writeFault(root, error);
      }
    },
    async remove(key) {
      await rm(fileOf(root, key), { force: true });
    },
    async *list(prefix, signal) {
      // Only what lies below the prefix's own folder is looked through.
      const base = prefix.includes("/") ? fileOf(root, path.posix.dirname(`${prefix}_`)) : root;
      const keys: string[] = [];
      for (const entry of (await statOf(base))
        ? await readdir(base, { recursive: true, withFileTypes: true })
        : []) {
        if (entry.name.endsWith(".part")) continue;
        const file = path.join(entry.parentPath, entry.name);
        // Where a hub's own client keeps files, names are links to contents.
        const isFile = entry.isSymbolicLink()
          ? (await statOf(file))?.isFile() === true
          : entry.isFile();
        const key = path.relative(root, file).split(path.sep).join("/");
        if (isFile && key.startsWith(prefix)) keys.push(key);
      }
      for (const key of keys.sort()) {
        signal?.throwIfAborted();
        yield key;
      }
    },
  };
  return store;
}

async function* readFile(
  file: string,
  offset: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> {
  try {
    yield* readFileChunks(file, offset, end, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new WeightsError("store_unavailable", `reading ${file} failed`, { cause });
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

async function* nothing(): AsyncIterable<Uint8Array> {}

/** Keys come from code and from checked manifests; a key that leaves the folder is a bug or an attack, and refused. */
function fileOf(root: string, key: string): string {
  const file = path.resolve(root, key);
  if (!file.startsWith(root + path.sep)) {
    throw new WeightsError("store_refused", `${key} leads out of ${root}`);
  }
  return file;
}

/** Names what keeps files from being written; what is not known, for instance the source's own fault, stays what it is. */
function writeFault(root: string, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (/^(?:ENOSPC|EDQUOT)$/.test(code))
    return new WeightsError("disk_too_small", `the disk of ${root} is full`, { cause });
  if (/^(?:EACCES|EPERM|EROFS|ENOTDIR)$/.test(code))
    return new WeightsError("access_denied", `${root} cannot be written to`, { cause });
  return cause;
}

async function statOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new WeightsError("access_denied", `cannot look at ${file}`, { cause });
  }
}

function etagOf({ size, mtimeMs }: Stats): string {
  return `"${size}-${mtimeMs}"`;
}
