import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "#cli/command.ts";
import { takeLock } from "#cli/models/lock.ts";
import { lockFile } from "#cli/models/model-folders.ts";
import { prepareModel } from "#cli/models/prepare.ts";
import type { PreparedModel, PrepareOptions } from "#cli/models/prepared-model.ts";
import { readBlob } from "#weights/read-bundle.ts";
import { referenceLladaV } from "../../support/published-checkpoint.ts";

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), "unmask-prepare-"));
  await mkdir(path.join(cwd, "LLaDA-V"));
  for (const [name, bytes] of referenceLladaV())
    await writeFile(path.join(cwd, "LLaDA-V", name), bytes);
});
afterEach(() => rm(cwd, { recursive: true }));

/** A machine on which everything fits. */
const roomy = { memoryBytes: 64e9, freeBytes: async () => 1e12 };

function prepare(
  overrides: Partial<PrepareOptions> = {},
): Promise<PreparedModel> & { told: string[] } {
  const told: string[] = [];
  const preparing = prepareModel({
    source: "LLaDA-V",
    cwd,
    provider: "cpu",
    format: { format: "f32" },
    machine: roomy,
    signal: new AbortController().signal,
    onProgress: (progress) => told.push(progress.kind === "says" ? progress.text : progress.label),
    env: { UNMASK_MODELS: "models" },
    ...overrides,
  });
  return Object.assign(preparing, { told });
}

describe("a folder with a checkpoint", () => {
  test("becomes a bundle in the folder of models, and is found there the next time", async () => {
    const made = await prepare();
    expect(made).toMatchObject({
      name: "llada-v",
      version: expect.stringMatching(/^[0-9a-f]{12}-f32$/),
      source: path.join(cwd, "LLaDA-V"),
      from: "converted",
      location: { kind: "folder", path: expect.stringContaining(path.join(cwd, "models")) },
    });
    expect(made.bundle.architecture.vision).toMatchObject({ layers: 2 });
    const card = made.bundle.files["README.md"];
    if (card === undefined) throw new Error("the card did not come along");
    expect(new TextDecoder().decode(await readBlob(made.store, card))).toContain("# LLaDA-V");

    const again = prepare();
    expect(await again).toMatchObject({ from: "kept", digest: made.digest, name: made.name });
    expect(again.told).toEqual([]);
  });

  test("that has not changed is found without reading a file of it", async () => {
    const config = path.join(cwd, "LLaDA-V/config.json");
    const { size } = await stat(config);
    const then = new Date("2026-11-28T00:00:00Z");
    await utimes(config, then, then);
    await symlink("nowhere", path.join(cwd, "LLaDA-V/dangling"));
    const made = await prepare();
    await writeFile(config, " ".repeat(size));
    await utimes(config, then, then);
    expect(await prepare()).toMatchObject({ from: "kept", digest: made.digest });
    await expect(prepare({ refresh: true })).rejects.toMatchObject({ code: "checkpoint_invalid" });
  });

  test("that was only touched is the same model", async () => {
    const made = await prepare();
    await utimes(path.join(cwd, "LLaDA-V/README.md"), new Date(), new Date(Date.now() + 5000));
    expect(await prepare()).toMatchObject({ from: "kept", digest: made.digest });
  });

  test("is another model when a file of it changes", async () => {
    const first = await prepare();
    const file = path.join(cwd, "LLaDA-V/model-00002-of-00002.safetensors");
    await utimes(file, new Date(), new Date(Date.now() + 5000));
    const second = await prepare();
    expect(second.from).toBe("converted");
    expect(second.version).not.toBe(first.version);
  });

  test("is a model for each form, the best that the machine can serve where nobody says", async () => {
    const auto = await prepare({ format: "auto" });
    expect(auto.bundle.format).toBe("w8a8");
    const said = await prepare({ format: { format: "q4", block: 128 } });
    expect(said).toMatchObject({ from: "converted", version: expect.stringMatching(/-q4-128$/) });
    expect(await prepare({ format: "auto" })).toMatchObject({ from: "kept", digest: auto.digest });
  });

  test("is called as the caller says", async () => {
    expect((await prepare({ name: "eyes" })).name).toBe("eyes");
    expect((await prepare()).name).toBe("llada-v");
  });

  test("is made where a kill has left drafts, which go", async () => {
    const made = await prepare();
    if (made.location.kind !== "folder") throw new Error("a folder was made");
    const folder = made.location.path;
    await rm(path.join(folder, "model.json"));
    await writeFile(path.join(folder, "blobs/sha256/abc.0123.part"), "half");
    await writeFile(path.join(folder, "model.json.0123.part"), "half");
    expect(await prepare()).toMatchObject({ from: "converted", digest: made.digest });
    const names = await readdir(folder, { recursive: true });
    expect(names.filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test("cannot become one where nothing can be written, and says where else", async () => {
    await expect(prepare({ models: path.join(cwd, "LLaDA-V/config.json/x") })).rejects.toThrow(
      /cannot be written to; UNMASK_MODELS names another folder/,
    );
  });

  test("is made again where something of it was lost", async () => {
    const made = await prepare();
    if (made.location.kind !== "folder") throw new Error("a folder was made");
    const blobs = path.join(made.location.path, "blobs/sha256");
    const [first = ""] = await readdir(blobs);
    await rm(path.join(blobs, first));
    const again = await prepare();
    expect(again).toMatchObject({ from: "converted", digest: made.digest });
  });
});

describe("a machine", () => {
  test("without the disk is told so with the numbers, and nothing is written", async () => {
    const preparing = prepare({ machine: { ...roomy, freeBytes: async () => 2e8 } });
    await expect(preparing).rejects.toMatchObject({
      code: "disk_too_small",
      message: expect.stringMatching(
        /^in f32 the model needs 269 MB of disk in \S+models\S+; 200 MB are free$/,
      ),
    });
    expect(await readdir(cwd)).toEqual(["LLaDA-V"]);
  });

  test("without the memory is told so with the numbers, and nothing is written", async () => {
    const preparing = prepare({ machine: { ...roomy, memoryBytes: 1e9 } });
    await expect(preparing).rejects.toMatchObject({
      code: "memory_too_small",
      message: "in f32 the model needs 1.5 GB of memory to be served; this machine has 1.0 GB",
    });
    expect(await readdir(cwd)).toEqual(["LLaDA-V"]);
  });
});

describe("a bundle", () => {
  test("is served where it lies: by its root, its model's folder or its version's", async () => {
    const made = await prepare();
    if (made.location.kind !== "folder") throw new Error("a folder was made");
    const root = made.location.path;
    for (const source of [
      root,
      `${root}/models/llada-v`,
      `${root}/models/llada-v/${made.version}`,
    ]) {
      expect(await prepare({ source })).toMatchObject({
        from: "bundle",
        digest: made.digest,
        location: { kind: "folder", path: root },
      });
    }
  });

  test("is asked for by name where several could be meant", async () => {
    const made = await prepare();
    if (made.location.kind !== "folder") throw new Error("a folder was made");
    const root = made.location.path;
    await mkdir(`${root}/models/other`);
    await writeFile(`${root}/models/other/latest.json`, "{}");
    const preparing = prepare({ source: root });
    await expect(preparing).rejects.toThrow(UsageError);
    await expect(preparing).rejects.toThrow(/several models: name one of \S+\/models\/llada-v, /);
  });

  test("is not what a folder without one is", async () => {
    await mkdir(path.join(cwd, "empty"));
    await expect(prepare({ source: "empty" })).rejects.toMatchObject({
      code: "checkpoint_invalid",
      message: expect.stringMatching(/empty has no config\.json$/),
    });
  });
});

test("who comes while another makes the same model waits and finds it made", async () => {
  const made = await prepare();
  if (made.location.kind !== "folder") throw new Error("a folder was made");
  await rm(path.join(made.location.path, "model.json"));
  const lock = takeLock(await lockFile(made.location.path), 0);
  const waiting = prepare();
  await expect.poll(() => waiting.told).toContainEqual(expect.stringMatching(/another process/));
  lock?.close();
  expect((await waiting).digest).toBe(made.digest);
});

test("two at once make one model between them", async () => {
  const [one, other] = await Promise.all([prepare(), prepare()]);
  expect(one.digest).toBe(other.digest);
  expect([one.from, other.from].sort()).toEqual(["converted", "kept"]);
});
