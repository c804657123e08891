import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileStore } from "#inference/file-store.ts";
import { readManifest } from "#weights/read-bundle.ts";
import { referenceLladaV } from "../../support/published-checkpoint.ts";
import { type StandInHub, startStandInHub } from "../../support/stand-in-hub.ts";

let hub: StandInHub;
let folder: string;
beforeAll(async () => {
  hub = await startStandInHub({ "GSAI-ML/LLaDA-V": { revisions: { main: referenceLladaV() } } });
  folder = await mkdtemp(path.join(tmpdir(), "unmask-killed-"));
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

/** Runs `unmask convert` as a process of its own; kills it when it has told of so many tensors. Returns the tensors it told of. */
async function convert(
  target: string,
  killAfter = Number.POSITIVE_INFINITY,
): Promise<{ readonly told: string[]; readonly code: number | null }> {
  const child = spawn(
    process.execPath,
    [
      ...["src/cli/main.ts", "convert", "GSAI-ML/LLaDA-V", "--to", target],
      ...["--name", "m", "--version", "1", "--format", "w8a8"],
    ],
    {
      env: { ...process.env, HF_ENDPOINT: hub.origin, HF_TOKEN: "" },
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const told: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const columns = line.split("\t");
    if (columns.length === 3) continue; // the digest
    told.push(columns.slice(0, 2).join("/"));
    if (told.length === killAfter) child.kill("SIGKILL");
  }
  return { told, code: await ended };
}

test("a conversion that is killed again and again ends in the same bundle, and no tensor is converted twice", {
  timeout: 180_000,
}, async () => {
  const whole = path.join(folder, "whole");
  const { told: tensors } = await convert(whole);
  const { digest } = await readManifest(fileStore(whole), "m");

  // The process runs on for as long as the signal takes: where it dies is chance, and different each time.
  hub.delay(20);
  const target = path.join(folder, "killed");
  const told: string[] = [];
  let kills = 0;
  for (const killAfter of [1, 11, 6]) {
    const run = await convert(target, killAfter);
    told.push(...run.told);
    if (run.code === 0) break; // on a busy machine it may be at its end before the signal comes
    kills += 1;
  }
  hub.delay(0);
  expect(kills).toBeGreaterThan(0);
  if (kills === 3) told.push(...(await convert(target)).told);

  expect(new Set(told).size).toBe(told.length);
  // What a process saved and was killed before it told of is all that may be missing.
  expect(tensors.filter((tensor) => !told.includes(tensor)).length).toBeLessThan(
    tensors.length / 2,
  );
  expect((await readManifest(fileStore(target), "m")).digest).toBe(digest);
  const left = await readdir(path.join(target, "models/m/1"));
  expect(left.filter((name) => !name.endsWith(".part"))).toEqual(["manifest.json"]);
});

/** Prepares the hub's model as a process of its own; `until` waits for a line that it says. */
function preparing(models: string) {
  const child = spawn(
    process.execPath,
    ["test/support/prepare-process.ts", "GSAI-ML/LLaDA-V", models],
    {
      env: { ...process.env, HF_ENDPOINT: hub.origin, HF_TOKEN: "" },
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const lines: string[] = [];
  const ended = (async () => {
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    return lines.at(-1) ?? "";
  })();
  const until = (said: RegExp) =>
    expect.poll(() => lines.find((line) => said.test(line)), { timeout: 30_000 }).toBeDefined();
  return { child, ended, until };
}

test("of two processes that make one model the second waits, and goes on with it where the first is killed", {
  timeout: 180_000,
}, async () => {
  const models = path.join(folder, "models");
  hub.delay(30);
  const first = preparing(models);
  await first.until(/^layer-00$/);
  first.child.kill("SIGSTOP"); // it stands in the middle of its work for as long as the second takes to start
  hub.delay(0);
  const second = preparing(models);
  await second.until(/^another process is making/);
  const before = hub.fetched.length;
  first.child.kill("SIGKILL");
  await first.ended;
  expect(await second.ended).toMatch(/^converted [0-9a-f]{64}$/);
  // The tower and the projector are most of its tensors, and were stored.
  expect(hub.fetched.length - before).toBeLessThan(40);
  const third = preparing(models);
  expect(await third.ended).toBe((await second.ended).replace("converted", "kept"));
});
