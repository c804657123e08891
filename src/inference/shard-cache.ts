import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Blob } from "#domain/bundle.ts";
import type { ShardCache } from "#weights/shard-fetch.ts";
import { readFileChunks } from "./loading/file-chunks.ts";

export interface ShardCacheOptions {
  readonly folder: string;
  /** The most that all shards together may take; the least recently used go first. */
  readonly maxBytes: number;
}

/** A draft this old belongs to a process that died while it wrote; writing 64 MiB takes seconds. */
const STALE_DRAFT_MS = 3_600_000;

/**
 * Keeps shards on disk, so that the next start reads them from there. Several processes may share a folder: a shard appears
 * by renaming, whole or not at all, and one that another process throws out while it is being read stays readable to its end.
 * The cache promises nothing about contents; the loader verifies what it reads and drops what is wrong.
 */
export async function openShardCache({ folder, maxBytes }: ShardCacheOptions): Promise<ShardCache> {
  await mkdir(folder, { recursive: true });
  const known = new Set((await entriesOf(folder)).map(({ name }) => name));
  const fileOf = (shard: Blob): string => path.join(folder, shard.sha256);
  return {
    has: (shard) => known.has(shard.sha256),
    async *read(shard, signal) {
      const now = new Date();
      await utimes(fileOf(shard), now, now); // the time of change is the time of last use
      // One byte more than there should be, so that a shard that has grown is noticed.
      yield* readFileChunks(fileOf(shard), 0, shard.bytes + 1, signal);
    },
    async keep(shard, bytes) {
      if (bytes.byteLength > maxBytes) return;
      await makeRoom(folder, maxBytes - bytes.byteLength, known);
      const draft = path.join(folder, `${shard.sha256}.${randomUUID()}.part`);
      try {
        await writeFile(draft, bytes, { flag: "wx" });
        await rename(draft, fileOf(shard));
      } catch (cause) {
        await rm(draft, { force: true });
        throw new Error(`cannot keep shard ${shard.sha256} in ${folder}`, { cause });
      }
      known.add(shard.sha256);
    },
    async drop(shard) {
      known.delete(shard.sha256);
      await rm(fileOf(shard), { force: true });
    },
  };
}

interface Entry {
  readonly name: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/** Removes the least recently used shards until the rest fits, and what dead processes left behind. */
async function makeRoom(folder: string, allowedBytes: number, known: Set<string>): Promise<void> {
  const entries = (await entriesOf(folder)).sort((a, b) => a.usedMs - b.usedMs);
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes, usedMs } of entries) {
    const isDraft = name.endsWith(".part");
    const isStale = isDraft && Date.now() - usedMs > STALE_DRAFT_MS;
    if (!isStale && (isDraft || total <= allowedBytes)) continue;
    await rm(path.join(folder, name), { force: true });
    known.delete(name);
    total -= bytes;
  }
}

async function entriesOf(folder: string): Promise<Entry[]> {
  const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}(?:\.|$)/.test(name));
  const entries = await Promise.all(
    names.map(async (name) => {
      try {
        const { size, mtimeMs } = await stat(path.join(folder, name));
        return [{ name, bytes: size, usedMs: mtimeMs }];
      } catch (cause) {
        // Another process has thrown it out between the two calls.
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return [];
        throw cause;
      }
    }),
  );
  return entries.flat();
}
