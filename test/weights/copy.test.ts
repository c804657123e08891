import { describe, expect, test } from "vitest";
import { copyBundle } from "#weights/copy.ts";
import { blobKey, latestKey } from "#weights/manifest.ts";
import { memoryStore } from "#weights/object-store.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { loadedHashes, tinyBundle } from "../support/bundles.ts";

describe("copying a bundle", () => {
  test("gives the same digest and the same weights", async () => {
    const { store: from, bundle, digest } = await tinyBundle();
    const to = memoryStore();
    expect((await copyBundle(from, to, { name: "tiny" })).digest).toBe(digest);
    expect((await readManifest(to, "tiny")).digest).toBe(digest);
    const [left, right] = [
      await loadedHashes({ store: from, bundle }),
      await loadedHashes({ store: to, bundle }),
    ];
    expect(right.hashes).toEqual(left.hashes);
  });

  test("skips what is there, and says how much that was", async () => {
    const { store: from } = await tinyBundle();
    const to = memoryStore();
    await copyBundle(from, to, { name: "tiny" });
    const kept: number[] = [];
    const total: number[] = [];
    await copyBundle(from, to, {
      name: "tiny",
      onProgress: ({ keptBytes, totalBytes }) => {
        kept.push(keptBytes);
        total.push(totalBytes);
      },
    });
    expect(kept[kept.length - 1]).toBe(total[0]);
  });

  test("mends a blob that is there at its right size with other content", async () => {
    const { store: from, bundle } = await tinyBundle();
    const to = memoryStore();
    await copyBundle(from, to, { name: "tiny" });
    const shard = bundle.stages[4]?.shards[0];
    if (shard === undefined) throw new Error("the bundle has too few shards");
    await to.put(blobKey(shard), new Uint8Array(shard.bytes));
    await copyBundle(from, to, { name: "tiny" });
    const whole = await loadedHashes({ store: from, bundle });
    expect((await loadedHashes({ store: to, bundle })).hashes).toEqual(whole.hashes);
  });

  test("of damaged weights fails by name and moves nothing", async () => {
    const { store: from, bundle } = await tinyBundle();
    const shard = bundle.stages[4]?.shards[0];
    if (shard === undefined) throw new Error("the bundle has too few shards");
    await from.put(blobKey(shard), new Uint8Array(shard.bytes));
    const to = memoryStore();
    await expect(copyBundle(from, to, { name: "tiny" })).rejects.toMatchObject({
      code: "shard_corrupt",
    });
    expect(await to.head(latestKey("tiny"))).toBeUndefined();
  });
});
