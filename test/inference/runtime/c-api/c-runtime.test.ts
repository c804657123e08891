import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Runtime } from "#engine/runtime/runtime.ts";
import type { LinearKind } from "#engine/self-test/random-layers.ts";
import { runDecoderLayer, runVisionLayer } from "#engine/self-test/self-test-layers.ts";
import { opProfiles } from "#graph/profile.ts";
import { type CRuntime, loadCRuntime } from "#inference/runtime/c-api/c-runtime.ts";
import { packagedRuntime } from "#inference/runtime/cuda/packaged-runtime.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { doublingGraph, positions, runtimeContract } from "../../../contract/runtime.ts";

const libraryPath = packagedRuntime().library;

runtimeContract("ONNX Runtime's package (cpu)", () => loadRuntime("cpu", 1));
runtimeContract("ONNX Runtime's C API (cpu)", () => loadCRuntime({ libraryPath, threads: 1 }));

describe("the C API on the CPU", () => {
  let ours: CRuntime;
  let theirs: Runtime;
  beforeAll(async () => {
    [ours, theirs] = await Promise.all([
      loadCRuntime({ libraryPath, threads: 1 }),
      loadRuntime("cpu", 1),
    ]);
  });
  afterAll(async () => {
    await Promise.all([ours.close(), theirs.close()]);
  });

  test.each<LinearKind>([
    { encoding: "f32t" },
    { encoding: "f16t" },
    { encoding: "w8" },
    { encoding: "w7" },
    { encoding: "q4", block: 32 },
  ])(
    "computes layers with $encoding weights as the package's binding does, bit for bit",
    async (kind) => {
      for (const runLayer of [runDecoderLayer, runVisionLayer]) {
        const [mine, other] = [
          await runLayer(ours, opProfiles.cpu, kind),
          await runLayer(theirs, opProfiles.cpu, kind),
        ];
        expect(mine.actual).toEqual(other.actual);
      }
    },
  );

  test("what is fed may be replaced by the same run, and no run has to be awaited before the next is asked for", async () => {
    const doubling = await ours.createSession("doubling", doublingGraph(), new Uint8Array(1));
    const y = { shelf: 5, name: "y" };
    const runs = [doubling.run({ x: positions }, [], { y })];
    for (let count = 0; count < 4; count++) runs.push(doubling.run({ x: y }, [], { y }));
    const last = doubling.run({ x: y }, ["y"]);
    await Promise.all(runs);
    expect((await last)["y"]?.data).toEqual(positions.data.map((n) => 64 * n));
    await ours.clear(5);
    await doubling.release();
  });

  test("what one session keeps another is given", async () => {
    const [first, second] = await Promise.all(
      ["first", "second"].map((name) =>
        ours.createSession(name, doublingGraph(), new Uint8Array(1)),
      ),
    );
    const y = { shelf: 6, name: "y" };
    await first?.run({ x: positions }, [], { y });
    const result = await second?.run({ x: y }, ["y"]);
    expect(result?.["y"]?.data).toEqual(positions.data.map((n) => 4 * n));
    await first?.release();
    expect((await second?.run({ x: y }, ["count"]))?.["count"]?.data[0]).toBe(12);
    await second?.release();
    await ours.clear(6);
  });

  test("keeps outputs whole: who asks for a part of one is told", async () => {
    const session = await ours.createSession("doubling", doublingGraph(), new Uint8Array(1));
    const y = { shelf: 1, name: "y", positions: 1 };
    await expect(session.run({ x: positions }, [], { y })).rejects.toMatchObject({
      cause: { message: "this runtime keeps outputs whole, not their first positions" },
    });
    await session.release();
  });

  test("lets go of all that it made: nothing is left after a thousand runs, a tenth of which fail", async () => {
    const before = ours.live();
    const session = await ours.createSession("doubling", doublingGraph(), new Uint8Array(1));
    const y = { shelf: 1, name: "y" };
    for (let count = 0; count < 1000; count++) {
      const isWrong = count % 10 === 0;
      const x = isWrong ? { shape: [12], data: positions.data } : positions;
      const run = session.run({ x }, ["count"], { y });
      await (isWrong ? expect(run).rejects.toThrow("failed to run") : run);
    }
    await ours.clear(1);
    await expect(
      ours.createSession("broken", new Uint8Array(3), new Uint8Array(1)),
    ).rejects.toThrow();
    await session.release();
    expect(ours.live()).toEqual(before);
  });

  test("closes to nothing, what is kept included", async () => {
    const runtime = await loadCRuntime({ libraryPath });
    expect(runtime.version).toBe(packagedRuntime().version);
    const session = await runtime.createSession("doubling", doublingGraph(), new Uint8Array(1));
    await session.run({ x: positions }, [], { y: { shelf: 1, name: "y" } });
    await session.release();
    await runtime.close();
    expect(runtime.live()).toEqual({});
  });

  test("is not opened from what is no ONNX Runtime", async () => {
    await expect(loadCRuntime({ libraryPath: "/nowhere/libonnxruntime.so.1" })).rejects.toThrow(
      /nowhere/,
    );
  });
});
