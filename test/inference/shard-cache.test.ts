import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Blob } from "#domain/bundle.ts";
import { openShardCache } from "#inference/shard-cache.ts";
import { collect } from "#weights/source.ts";
import { loadedHashes, tinyBundle } from "../support/bundles.ts";

let root: string;
let folder: string;
let folders = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "unmask-shards-"));
});
beforeEach(() => {
  folders += 1;
  folder = path.join(root, String(folders));
});
afterAll(() => rm(root, { recursive: true }));

function shard(fill: number, bytes = 100): { blob: Blob; content: Uint8Array } {
  const content = new Uint8Array(bytes).fill(fill);
  return { blob: { sha256: createHash("sha256").update(content).digest("hex"), bytes }, content };
}

/** Says that a shard was last used so many minutes ago. */
async function ageMinutes({ sha256 }: Blob, minutes: number): Promise<void> {
  const then = new Date(Date.now() - minutes * 60_000);
  await utimes(path.join(folder, sha256), then, then);
}

describe("the disk cache of shards", () => {
  test("keeps a shard for the next process", async () => {
    const { blob, content } = shard(1);
    const first = await openShardCache({ folder, maxBytes: 1000 });
    expect(first.has(blob)).toBe(false);
    await first.keep(blob, content);
    const second = await openShardCache({ folder, maxBytes: 1000 });
    expect(second.has(blob)).toBe(true);
    expect(await collect(second.read(blob), 100)).toEqual(content);
  });

  test("throws out the least recently used when the room ends", async () => {
    const [a, b, c] = [shard(1), shard(2), shard(3)];
    const cache = await openShardCache({ folder, maxBytes: 250 });
    await cache.keep(a.blob, a.content);
    await cache.keep(b.blob, b.content);
    await ageMinutes(a.blob, 20);
    await ageMinutes(b.blob, 10);
    await collect(cache.read(a.blob), 100); // now b is the older one
    await cache.keep(c.blob, c.content);
    expect([a, b, c].map(({ blob }) => cache.has(blob))).toEqual([true, false, true]);
    expect(await readdir(folder)).toHaveLength(2);
  });

  test("does not keep what can never fit", async () => {
    const { blob, content } = shard(1, 2000);
    const cache = await openShardCache({ folder, maxBytes: 1000 });
    await cache.keep(blob, content);
    expect(cache.has(blob)).toBe(false);
    expect(await readdir(folder)).toEqual([]);
  });

  test("clears what dead processes left, not what others are writing", async () => {
    const { blob, content } = shard(1);
    const cache = await openShardCache({ folder, maxBytes: 1000 });
    const [dead, alive] = ["2".repeat(64), "3".repeat(64)].map((name) => `${name}.x.part`);
    await writeFile(path.join(folder, dead ?? ""), "old");
    await writeFile(path.join(folder, alive ?? ""), "new");
    const twoHoursAgo = new Date(Date.now() - 7_200_000);
    await utimes(path.join(folder, dead ?? ""), twoHoursAgo, twoHoursAgo);
    await cache.keep(blob, content);
    expect((await readdir(folder)).sort()).toEqual([blob.sha256, alive].sort());
  });

  test("a shard that was thrown out by another process is fetched, and a damaged one as well", async () => {
    const { store, bundle } = await tinyBundle();
    const cache = await openShardCache({ folder, maxBytes: 1e9 });
    const first = await loadedHashes({ store, bundle, cache });
    const [gone, damaged] = bundle.stages.map(({ shards }) => shards[0]);
    if (gone === undefined || damaged === undefined) throw new Error("the bundle has no shards");
    await rm(path.join(folder, gone.sha256));
    await writeFile(path.join(folder, damaged.sha256), "half a shard");
    const second = await loadedHashes({ store, bundle, cache });
    expect(second.hashes).toEqual(first.hashes);
    expect(second.status.receivedBytes).toBe(gone.bytes + damaged.bytes);
    const third = await loadedHashes({ store, bundle, cache });
    expect(third.status.receivedBytes).toBe(0);
  });

  test("two processes that fill one folder at once both end well", async () => {
    const { store, bundle } = await tinyBundle();
    const caches = [
      await openShardCache({ folder, maxBytes: 1e9 }),
      await openShardCache({ folder, maxBytes: 1e9 }),
    ];
    const loads = await Promise.all(caches.map((cache) => loadedHashes({ store, bundle, cache })));
    expect(loads[0]?.hashes).toEqual(loads[1]?.hashes);
    expect((await readdir(folder)).every((name) => /^[0-9a-f]{64}$/.test(name))).toBe(true);
  });
});
