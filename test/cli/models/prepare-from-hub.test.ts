import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UsageError } from "#cli/command.ts";
import { hubSettings } from "#cli/models/hub-settings.ts";
import { prepareModel } from "#cli/models/prepare.ts";
import type { PreparedModel, PrepareOptions } from "#cli/models/prepared-model.ts";
import {
  publishedLlada,
  publishedLladaV,
  referenceLladaV,
} from "../../support/published-checkpoint.ts";
import { type StandInHub, startStandInHub } from "../../support/stand-in-hub.ts";

const ID = "GSAI-ML/LLaDA-V";

let hub: StandInHub;
let models: string;
beforeEach(async () => {
  hub = await startStandInHub({
    [ID]: { revisions: { main: referenceLladaV() } },
    "a/gated": { access: "gated", revisions: { main: referenceLladaV() } },
  });
  models = await mkdtemp(path.join(tmpdir(), "unmask-from-hub-"));
});
afterEach(async () => {
  await hub.close();
  await rm(models, { recursive: true });
});

function prepare(
  overrides: Partial<PrepareOptions> = {},
): Promise<PreparedModel> & { told: string[] } {
  const told: string[] = [];
  const preparing = prepareModel({
    source: ID,
    cwd: models,
    models: path.join(models, "kept"),
    provider: "cpu",
    format: "auto",
    machine: { memoryBytes: 64e9, freeBytes: async () => 1e12 },
    signal: new AbortController().signal,
    onProgress: (progress) => told.push(progress.kind === "says" ? progress.text : progress.label),
    env: { HF_ENDPOINT: hub.origin },
    ...overrides,
  });
  return Object.assign(preparing, { told });
}

describe("a model of a hub", () => {
  test("is named after its repository and its commit", async () => {
    const commit = hub.commitOf(ID, "main");
    const preparing = prepare();
    expect(await preparing).toMatchObject({
      name: "llada-v",
      version: `${commit.slice(0, 12)}-w8a8`,
      source: `${ID}@${commit}`,
      from: "converted",
    });
    expect(preparing.told[0]).toBe(`looking at ${ID}@main …`);
    expect(preparing.told[1]).toMatch(
      /^converting GSAI-ML\/LLaDA-V@[0-9a-f]{40} into \S+: w8a8, \d+ MB on disk, 1\.5 GB of memory to serve it$/,
    );
  });

  test("is fetched once: every range of every file", async () => {
    await prepare();
    const ranges = hub.fetched.map(({ path, range }) => `${path} ${range}`);
    expect(ranges.length).toBeGreaterThan(60);
    expect(ranges.filter((range, index) => ranges.indexOf(range) !== index)).toEqual([]);
  });

  test("that was made before is found without a word to the hub, be it away", async () => {
    const made = await prepare();
    const asked = hub.asked.length;
    expect(await prepare()).toMatchObject({ from: "kept", digest: made.digest });
    expect(hub.asked).toHaveLength(asked);
    const away = { HF_ENDPOINT: "http://127.0.0.1:1" };
    expect(await prepare({ env: away })).toMatchObject({ from: "kept", digest: made.digest });
  });

  test("is looked for anew where one asks for that, and made where its branch has moved", async () => {
    const made = await prepare();
    expect(await prepare({ refresh: true })).toMatchObject({ from: "kept", digest: made.digest });
    hub.push(ID, "main", publishedLlada("LLaDA-1.5"));
    expect(await prepare()).toMatchObject({ from: "kept", digest: made.digest });
    const moved = await prepare({ refresh: true });
    expect(moved).toMatchObject({ from: "converted" });
    expect(moved.bundle.architecture.vision).toBeUndefined();
    // What was asked for last is what is meant next time; the other is still there under its commit.
    expect(await prepare()).toMatchObject({ from: "kept", digest: moved.digest });
    const [, commit] = made.source.split("@");
    expect(await prepare({ source: `${ID}@${commit}` })).toMatchObject({
      from: "kept",
      digest: made.digest,
    });
  });

  test("whose branch goes back to a commit that was made is found again", async () => {
    const made = await prepare();
    hub.push(ID, "main", publishedLlada("LLaDA-1.5"));
    await prepare({ refresh: true });
    hub.push(ID, "main", referenceLladaV());
    expect(await prepare({ refresh: true })).toMatchObject({ from: "kept", digest: made.digest });
    expect(await prepare()).toMatchObject({ from: "kept", digest: made.digest });
  });

  test("of the published vocabulary, number format and sizes of pictures becomes a bundle", async () => {
    hub.push(ID, "bf16", publishedLladaV());
    const { bundle } = await prepare({ source: `${ID}@bf16` });
    expect(bundle.architecture).toMatchObject({
      language: { vocabSize: 126_464 },
      logitsColumns: 126_349,
      special: { mask: 126_336, endOfText: 126_081, endOfTurn: 126_348 },
      vision: { imageSize: 384, patchSize: 14 },
    });
    expect(bundle.architecture.image?.gridPinpoints).toHaveLength(36);
  });

  test("that needs what the machine lacks costs no weight's byte and leaves nothing", async () => {
    const machine = { memoryBytes: 64e9, freeBytes: async () => 1e6 };
    await expect(prepare({ machine })).rejects.toMatchObject({ code: "disk_too_small" });
    expect(await readdir(models)).toEqual([]);
    const weights = hub.fetched.filter(({ range }) => {
      const [, from = 0, to = 0] = (/^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? []).map(Number);
      return to - from > 20_000; // headers have 7 kB, the tokenizer 12
    });
    expect(weights).toEqual([]);
  });

  test("that is gated is read with the token of whoever has access", async () => {
    await expect(prepare({ source: "a/gated" })).rejects.toMatchObject({
      code: "repository_gated",
    });
    expect(await readdir(models)).toEqual([]);
    const env = { HF_ENDPOINT: hub.origin, HF_TOKEN: "hf_standin\n" };
    expect((await prepare({ source: "a/gated", env })).from).toBe("converted");
  });

  test("is gone on with after a stop, from the tensor on that comes next", async () => {
    const whole = await prepare({ models: path.join(models, "whole") });
    const stop = new AbortController();
    const stopped = prepare({
      signal: stop.signal,
      onProgress: (progress) => {
        if (progress.kind === "progress" && progress.label === "layer-01") stop.abort("enough");
      },
    });
    await expect(stopped).rejects.toBe("enough");
    const before = hub.fetched.length;
    expect(await prepare()).toMatchObject({ from: "converted", digest: whole.digest });
    const again = hub.fetched.length - before;
    expect(again).toBeLessThan(before / 2);
  });
});

describe("a hub's settings", () => {
  test("are the hub's own variables; a mirror may lie in a folder", () => {
    expect(hubSettings({})).toEqual({ endpoint: "https://huggingface.co" });
    expect(hubSettings({ HF_ENDPOINT: "https://mirror/hf/", HF_TOKEN: " hf_x\n" })).toEqual({
      endpoint: "https://mirror/hf",
      token: "hf_x",
    });
  });

  test.each([
    [{ HF_ENDPOINT: "mirror" }, /write it as https:\/\/huggingface.co/],
    [{ HF_ENDPOINT: "https://u:secret@mirror" }, /without user, password/],
    [
      { HF_ENDPOINT: "http://mirror", HF_TOKEN: "hf_secret" },
      /would travel in clear to http:\/\/mirror/,
    ],
    [{ HF_TOKEN: "hf_secret\r\nx-other: 1" }, /HF_TOKEN is no token/],
  ])("that cannot be are mistakes of usage that keep secrets to themselves: %j", (env, says) => {
    expect(() => hubSettings(env)).toThrow(UsageError);
    expect(() => hubSettings(env)).toThrow(says);
    expect(() => hubSettings(env)).not.toThrow(/secret/);
  });
});
