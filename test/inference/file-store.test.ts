import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileStore } from "#inference/file-store.ts";
import { storedCheckpoint } from "#weights/checkpoint/stored-checkpoint.ts";
import { byteSourceContract } from "../contract/byte-source.ts";
import { objectStoreContract } from "../contract/object-store.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

objectStoreContract("a folder", async () => fileStore(folder));

let files = 0;
byteSourceContract("a file", async (content) => {
  const store = fileStore(path.join(folder, "sources"));
  files += 1;
  await store.put(`file-${files}`, content);
  const source = await storedCheckpoint(store).open(`file-${files}`);
  if (source === undefined) throw new Error("the file that was written is not there");
  return source;
});

describe("a folder as an object store", () => {
  test("refuses keys that lead out of it", async () => {
    const store = fileStore(path.join(folder, "inside"));
    for (const key of ["../outside", "a/../../outside", "/etc/passwd"]) {
      await expect(store.put(key, new Uint8Array(1))).rejects.toMatchObject({
        code: "store_refused",
      });
      await expect(store.get(key)).rejects.toMatchObject({ code: "store_refused" });
    }
  });

  test("leaves no draft behind when a write fails", async () => {
    const inside = path.join(folder, "drafts");
    const store = fileStore(inside);
    async function* broken(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(10);
      throw new Error("the source broke");
    }
    await expect(store.putStream("a", broken())).rejects.toThrow("the source broke");
    expect(await readdir(inside)).toEqual([]);
  });

  test.each([
    ["ENOSPC", "disk_too_small", /the disk of \S+ is full/],
    ["EDQUOT", "disk_too_small", /is full/],
    ["EROFS", "access_denied", /cannot be written to/],
  ])("names a write that fails with %s as %s", async (code, name, says) => {
    async function* failing(): AsyncIterable<Uint8Array> {
      yield new Uint8Array(10);
      throw Object.assign(new Error("write"), { code });
    }
    const inside = path.join(folder, "failing");
    const writing = fileStore(inside).putStream("a/b", failing());
    await expect(writing).rejects.toMatchObject({ code: name });
    await expect(writing).rejects.toThrow(says);
    expect(await readdir(path.join(inside, "a"))).toEqual([]);
  });

  test("below a file cannot be written to, and says so", async () => {
    await writeFile(path.join(folder, "file"), "");
    const store = fileStore(path.join(folder, "file/inside"));
    await expect(store.put("a", new Uint8Array(1))).rejects.toMatchObject({
      code: "access_denied",
    });
  });

  test("lists what names in it lead to, as a hub's own client keeps files", async () => {
    const inside = path.join(folder, "snapshot");
    await mkdir(path.join(inside, "blobs"), { recursive: true });
    await writeFile(path.join(inside, "blobs/abc"), "{}");
    await symlink("blobs/abc", path.join(inside, "config.json"));
    await symlink("nowhere", path.join(inside, "dangling"));
    await symlink("blobs", path.join(inside, "folder"));
    const store = fileStore(inside);
    expect(await Array.fromAsync(store.list(""))).toEqual(["blobs/abc", "config.json"]);
    expect(await Array.fromAsync(store.list("blobs/"))).toEqual(["blobs/abc"]);
    expect(await Array.fromAsync(store.list("blobs/x/"))).toEqual([]);
    expect((await store.head("config.json"))?.bytes).toBe(2);
  });

  test("need not exist to be looked at", async () => {
    const store = fileStore(path.join(folder, "nowhere"));
    expect(await Array.fromAsync(store.list(""))).toEqual([]);
    expect(await store.head("a")).toBeUndefined();
  });
});
