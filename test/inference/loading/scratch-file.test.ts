import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openScratchFile } from "#inference/loading/scratch-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-scratch-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a scratch file", () => {
  test("gives back what was written, in any piece, larger than one write", async () => {
    const bytes = Uint8Array.from({ length: 9_000_001 }, (_, index) => (index * 7) & 255);
    const file = await openScratchFile(folder, bytes);
    for (const [offset, length] of [
      [0, 10],
      [4_194_300, 10],
      [8_999_990, 11],
    ] as const) {
      const piece = new Uint8Array(await file.read(offset, length));
      expect(piece).toEqual(bytes.slice(offset, offset + length));
    }
    await file.close();
  });

  test("has no name that another process could open, and leaves nothing behind", async () => {
    const file = await openScratchFile(folder, new Uint8Array(100));
    expect(await readdir(folder)).toEqual([]);
    await file.close();
  });

  test("says so where it has fewer bytes than are asked for", async () => {
    const file = await openScratchFile(folder, new Uint8Array(100));
    await expect(file.read(95, 10)).rejects.toThrow("has 5 of 10 bytes at 95");
    await file.close();
  });

  test("a folder that cannot be written to is an error, not a crash", async () => {
    await expect(openScratchFile(path.join(folder, "no"), new Uint8Array(1))).rejects.toThrow();
  });
});
