import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { useKept } from "../../../infra/edge/workerd/kept.ts";
import { digestOf } from "../../../infra/site/digest.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "unmask-kept-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

describe("what is kept is made", () => {
  let key: string;
  let makings: number;
  beforeEach(() => {
    key = "first";
    makings = 0;
  });

  /** Makes it of the key as it is when it is made. */
  async function made(make: (file: string) => Promise<void> = async () => undefined) {
    let read = "";
    await useKept(
      {
        folder: path.join(folder, "kept"),
        key: () => key,
        make: async (target) => {
          makings += 1;
          mkdirSync(target);
          const file = path.join(target, "file");
          writeFileSync(file, key);
          await make(file);
        },
      },
      (target) => {
        read = readFileSync(path.join(target, "file"), "utf8");
      },
      new AbortController().signal,
    );
    return read;
  }

  test("once for one key, and anew for another", async () => {
    expect([await made(), await made(), makings]).toEqual(["first", "first", 1]);
    key = "second";
    expect([await made(), await made(), makings]).toEqual(["second", "second", 2]);
    key = "first";
    expect([await made(), makings]).toEqual(["first", 3]);
  });

  test("by one of those who want it at the same time", async () => {
    expect(await Promise.all([made(), made()])).toEqual(["first", "first"]);
    expect(makings).toBe(1);
  });

  test("anew where the last making broke off, which takes nothing from one that was whole", async () => {
    const broken = () => Promise.reject(new Error("broken off"));
    await expect(made(broken)).rejects.toThrow("broken off");
    expect([await made(), makings]).toEqual(["first", 2]);
    key = "second";
    await expect(made(broken)).rejects.toThrow("broken off");
    key = "first";
    expect([await made(), makings]).toEqual(["first", 3]);
    key = "second";
    expect([await made(), makings]).toEqual(["second", 4]);
  });

  test("where nobody writes to it who was killed while he made it, and what is left of that is taken away", async () => {
    let left = "";
    await made(async (file) => {
      left = file;
      key = "second";
    });
    const broken = path.join(folder, "kept", "making-abcdef");
    mkdirSync(broken);
    expect([await made(), makings]).toEqual(["second", 2]);
    expect(existsSync(broken)).toBe(false);
    expect(() => writeFileSync(left, "late")).toThrow("ENOENT");
    expect(await made()).toBe("second");
  });

  test("each time where nothing can be kept", async () => {
    writeFileSync(path.join(folder, "kept"), "a file has no folders in it");
    expect([await made(), await made(), makings]).toEqual(["first", "first", 2]);
  });

  test("anew where what it is made of changed while it was made", async () => {
    await made(async (file) => {
      key = "second";
      writeFileSync(file, "half of each");
    });
    key = "first";
    expect([await made(), makings]).toEqual(["first", 2]);
  });
});

describe("the digest of files and folders changes with", () => {
  const file = (name: string): string => path.join(folder, name);
  const digest = (): string => digestOf(folder, ["one.ts", "folder"]);
  beforeEach(() => {
    mkdirSync(file("folder/inner"), { recursive: true });
    for (const name of ["one.ts", "other.ts", "folder/two.ts", "folder/inner/three.ts"])
      writeFileSync(file(name), name);
  });

  test.each<[string, () => void]>([
    ["a file's content", () => writeFileSync(file("one.ts"), "changed")],
    ["a content deep in a folder", () => writeFileSync(file("folder/inner/three.ts"), "changed")],
    ["a file that is new in a folder", () => writeFileSync(file("folder/four.ts"), "")],
    ["a file that is gone", () => rmSync(file("folder/two.ts"))],
  ])("%s", (_, change) => {
    const before = digest();
    change();
    expect(digest()).not.toBe(before);
  });

  test("nothing else", () => {
    const before = digest();
    writeFileSync(file("other.ts"), "changed");
    mkdirSync(file("folder/empty"));
    expect(existsSync(file("folder/empty")) && digest()).toBe(before);
  });
});
