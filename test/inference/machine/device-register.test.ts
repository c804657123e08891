import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDeviceRegister, sharedWith } from "#inference/machine/device-register.ts";
import { replacementSentence } from "#inference/replacement.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unmask-devices-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const one = { pid: 11, device: "cuda:0", model: "llada-v", bytes: 9_100_000_000 };
const other = { pid: 12, device: "cuda:0", model: "demo", bytes: 5_000_000 };

test("two processes on one GPU know of each other, with what each brings", async () => {
  const register = openDeviceRegister(folder, () => true);
  expect(await register.enter(one)).toEqual([]);
  expect(await register.enter(other)).toEqual([one]);
  expect(await register.enter(one)).toEqual([other]);
});

test("a process on another GPU, one that has left and one that has died are none of them", async () => {
  const register = openDeviceRegister(folder, (pid) => pid !== 14);
  await register.enter({ ...one, device: "cuda:1" });
  await register.enter({ ...one, pid: 13 });
  await register.enter({ ...one, pid: 14 });
  await register.leave(13);
  expect(await register.enter(other)).toEqual([]);
  // What died is cleared away.
  expect((await readdir(folder)).toSorted()).toEqual(["11.json", "12.json"]);
});

test("a file that is half written, or of something else, hinders nobody", async () => {
  const register = openDeviceRegister(folder, () => true);
  await writeFile(path.join(folder, "99.json"), '{"pid": 9');
  await writeFile(path.join(folder, "98.json"), '{"pid": "x", "device": 3}');
  expect(await register.enter(one)).toEqual([]);
});

test("by itself it asks the system whether a process is there", async () => {
  const register = openDeviceRegister(folder);
  await register.enter({ ...one, pid: process.pid });
  // A number that Linux gives to no process.
  await register.enter({ ...one, pid: 2 ** 22 + 1 });
  expect(await register.enter(other)).toEqual([{ ...one, pid: process.pid }]);
});

test("where the memory is full the numbers are told: what the model brings, and who is there already", () => {
  const error = new Error("stage layer-07 cannot be created", {
    cause: new Error("CUDA failure 2: out of memory"),
  });
  const sentence = replacementSentence("demo", "cuda", {
    ...{ error, fault: "out_of_memory", bytes: 8_000_000_000, others: [one] },
  });
  expect(sentence).toContain("demo cannot be served with provider cuda (out_of_memory)");
  expect(sentence).toContain(
    "It brings 8.00 GB of weights; on the same device: process 11 (llada-v, 9.10 GB).",
  );
  expect(sharedWith([])).toBe("");
});
