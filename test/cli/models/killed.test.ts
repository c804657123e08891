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
  for (const killAfter of [1, 6, 11, 4, 9]) {
    const run = await convert(target, killAfter);
    told.push(...run.told);
    if (run.code === 0) break; // on a busy machine it may be at its end before the signal comes
    kills += 1;
  }
  hub.delay(0);
  expect(kills).toBeGreaterThan(0);
  if (kills === 5) told.push(...(await convert(target)).told);

  expect(new Set(told).size).toBe(told.length);
  // What a process saved and was killed before it told of is all that may be missing.
  expect(tensors.filter((tensor) => !told.includes(tensor)).length).toBeLessThan(
    tensors.length / 2,
  );
  expect((await readManifest(fileStore(target), "m")).digest).toBe(digest);
  const left = await readdir(path.join(target, "models/m/1"));
  expect(left.filter((name) => !name.endsWith(".part"))).toEqual(["manifest.json"]);
});
