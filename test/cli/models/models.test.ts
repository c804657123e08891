import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EXIT, UsageError } from "#cli/command.ts";
import { takeLock } from "#cli/models/lock.ts";
import { lockFile, modelsFolder } from "#cli/models/model-folders.ts";
import { models } from "#cli/models.ts";
import type { ModelRecord } from "#weights/model-record.ts";
import { apiDouble } from "../../support/edge-command-io.ts";

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), "unmask-models-"));
  const record: ModelRecord = {
    ...{ recordVersion: 1, name: "llada-v", version: "abc-w8a8", digest: "0".repeat(64) },
    ...{ form: { format: "q4", block: 32 }, bytes: 3, source: "GSAI-ML/LLaDA-V@abc" },
    ...{ asked: [], finishedAt: "2026-11-28T01:02:03.000Z" },
  };
  await mkdir(path.join(cwd, "kept/one"), { recursive: true });
  await mkdir(path.join(cwd, "kept/two"));
  await writeFile(path.join(cwd, "kept/one/model.json"), JSON.stringify(record));
  await writeFile(path.join(cwd, "kept/two/unfinished"), new Uint8Array(12_000_000));
});
afterEach(() => rm(cwd, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  let out = "";
  let errors = "";
  const code = await models(args, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (errors += text) },
    ...{ env: { UNMASK_MODELS: "kept" }, cwd, isTTY: false },
    signal: new AbortController().signal,
  });
  return { code, out, errors };
}

describe("unmask models", () => {
  test("lists what was made and what was begun", async () => {
    const { code, out } = await run("list");
    expect(code).toBe(EXIT.done);
    expect(out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["FOLDER", "MODEL", "FORM", "GB", "MADE", "FROM"],
      ["one", "llada-v", "q4 in blocks of 32", "0.00", "2026-11-28", "GSAI-ML/LLaDA-V@abc"],
      ["two", "unfinished", "0.01"],
      [""],
    ]);
  });

  test("prints what the models of a service know, and when their answers count as none", async () => {
    const model = { id: "demo", format: "w8a8", provider: "cpu", digest: "ab".repeat(32) };
    const told = {
      domain: { description: "Pictures\u0007 of pets.", things: ["a dog", "a cat"], scored: true },
      confidence: { calibrated: true, abstains_below: 0.5 },
      read: { style: "sentence", fitted: ["boolean", "choice"] },
    };
    await using api = await apiDouble(() =>
      Response.json({
        object: "list",
        data: [
          { ...model, ...told },
          { ...model, id: "before" },
          { ...model, id: "untold", read: { style: "lines", fitted: [] } },
        ],
      }),
    );
    const { code, out } = await run("served", "--url", api.url, "--key", "k");
    expect(code).toBe(EXIT.done);
    expect(out).toBe(
      [
        "demo (w8a8, cpu), weights abababababab…",
        "  Pictures\u{FFFD} of pets.",
        "  it knows a dog, a cat",
        "  answers say whether a picture is of that: in_domain",
        "  answers below a confidence of 0.5 count as none: abstained",
        "  it reads fields, one question each; probabilities are fitted of boolean, choice",
        "",
        "before (w8a8, cpu), weights abababababab…",
        "  its maker does not say what pictures it is for",
        "",
        "untold (w8a8, cpu), weights abababababab…",
        "  its maker does not say what pictures it is for",
        "  it reads fields, all in one canvas; their probabilities are not fitted",
        "",
      ].join("\n"),
    );
    await expect(run("list", "--key", "k")).rejects.toThrow(UsageError);
  });

  test("removes what it is told to, and nothing that is being made", async () => {
    const lock = takeLock(await lockFile(path.join(cwd, "kept/two")), 0);
    expect(await run("remove", "one", "two", "..")).toEqual({
      code: EXIT.failed,
      out: "",
      errors: `two is being made just now\n.. is not in ${path.join(cwd, "kept")}\n`,
    });
    expect(await readdir(path.join(cwd, "kept"))).toEqual(["locks", "two"]);
    lock?.close();
    expect((await run("remove", "two")).code).toBe(EXIT.done);
    expect((await run("list")).out).toBe("FOLDER  MODEL  FORM  GB  MADE  FROM\n");
  });

  test.each([[[]], [["remove"]], [["list", "x"]], [["sell", "x"]]])(
    "says how it is used: %j",
    async (args) => {
      await expect(run(...args)).rejects.toThrow(UsageError);
    },
  );
});

test.each([
  [{ UNMASK_MODELS: "/m" }, "/m"],
  [{ UNMASK_MODELS: "m" }, "/here/m"],
  [{ XDG_CACHE_HOME: "/c", HOME: "/h" }, "/c/unmask/models"],
])("the folder of models is where %j says", (env, folder) => {
  expect(modelsFolder({ cwd: "/here", env })).toBe(folder);
});
