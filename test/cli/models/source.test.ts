import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "#cli/command.ts";
import { defaultName, readSource, sourceText } from "#cli/models/source.ts";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), "unmask-source-"));
  mkdirSync(path.join(cwd, "org/name"), { recursive: true });
  mkdirSync(path.join(cwd, "LLaDA-V@main"));
  writeFileSync(path.join(cwd, "config.json"), "{}");
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe("a model's source is", () => {
  test.each([
    ["GSAI-ML/LLaDA-V", "GSAI-ML/LLaDA-V", "main"],
    ["GSAI-ML/LLaDA-V@v1.0", "GSAI-ML/LLaDA-V", "v1.0"],
    ["GSAI-ML/LLaDA-V@refs/pr/3", "GSAI-ML/LLaDA-V", "refs/pr/3"],
    [`a/b@${"0123456789".repeat(4)}`, "a/b", "0123456789".repeat(4)],
    ["https://huggingface.co/GSAI-ML/LLaDA-V", "GSAI-ML/LLaDA-V", "main"],
    ["https://huggingface.co/GSAI-ML/LLaDA-V/", "GSAI-ML/LLaDA-V", "main"],
    ["https://huggingface.co/GSAI-ML/LLaDA-V/tree/refs%2Fpr%2F3", "GSAI-ML/LLaDA-V", "refs/pr/3"],
    ["https://huggingface.co/GSAI-ML/LLaDA-V/resolve/abc", "GSAI-ML/LLaDA-V", "abc"],
  ])("a hub's repository: %s", (text, id, revision) => {
    expect(readSource(text, { cwd })).toEqual({ kind: "hub", id, revision });
  });

  test("a page of the hub that the settings name, and of no other", () => {
    const endpoint = "https://mirror.example/hf";
    expect(readSource(`${endpoint}/a/b`, { cwd, endpoint })).toMatchObject({ kind: "hub" });
    expect(readSource("https://huggingface.co/a/b", { cwd, endpoint })).toEqual({
      kind: "web",
      url: "https://huggingface.co/a/b",
    });
  });

  test.each(["org/name", "./org/name", "LLaDA-V@main", "."])(
    "a folder wherever there is one, whatever else it could mean: %s",
    (text) => {
      expect(readSource(text, { cwd })).toEqual({ kind: "folder", path: path.resolve(cwd, text) });
    },
  );

  test("an address below which the files lie, without a slash at its end", () => {
    expect(readSource("https://example.com/models/x/", { cwd })).toEqual({
      kind: "web",
      url: "https://example.com/models/x",
    });
    expect(readSource("s3://bucket/a/b/", { cwd })).toEqual({
      kind: "bucket",
      address: "s3://bucket/a/b",
    });
  });

  test.each([
    ["", /name a model/],
    ["LLaDA-V", /no such folder here, and a hub id is written org\/name/],
    ["./org/other", /there is no folder .*org\/other/],
    ["/nowhere/at/all", /there is no folder \/nowhere\/at\/all/],
    ["a/b/c", /there is no folder/],
    ["~/models", /there is no folder/],
    ["a--b/c", /no model's source/],
    ["config.json", /is a file: give the folder/],
    ["a/b@", /no revision/],
    ["a/b@../../x", /no revision/],
    ["a/b@x y", /no revision/],
    ["s3://", /names no bucket/],
    ["gs://bucket/x", /gs:\/\/ is not read from/],
    ["https://user:secret@host/x", /user or password/],
    ["https://host/x?X-Amz-Signature=secret", /without \? and #/],
  ])("never %j, and one is told what to write", (text, complaint) => {
    const reading = () => readSource(text, { cwd });
    expect(reading).toThrow(UsageError);
    expect(reading).toThrow(complaint);
    expect(reading).not.toThrow(/secret/);
  });
});

test.each([
  ["GSAI-ML/LLaDA-V@main", "llada-v"],
  ["https://host/My_Model (1)", "my_model-1-"],
  ["https://host/a/B/resolve/main", "b"],
  ["s3://bucket", "bucket"],
])("a model from %s is called %s", (text, name) => {
  const source = readSource(text, { cwd });
  expect(defaultName(source)).toBe(name);
  expect(sourceText(source)).toBe(text);
});
