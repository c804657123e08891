import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { opProfiles } from "#graph/profile.ts";
import { type CRuntime, loadCRuntime } from "#inference/engine/c-api/c-runtime.ts";
import { packagedRuntime } from "#inference/engine/cuda/packaged-runtime.ts";
import { loadRuntime, type Runtime } from "#inference/engine/ort.ts";
import {
  type LinearKind,
  runDecoderLayer,
  runVisionLayer,
} from "#inference/engine/self-test-layers.ts";
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
  ])("computes layers with $encoding weights as the package's binding does, bit for bit", async (kind) => {
    for (const runLayer of [runDecoderLayer, runVisionLayer]) {
      const [mine, other] = [
        await runLayer(ours, opProfiles.cpu, kind),
        await runLayer(theirs, opProfiles.cpu, kind),
      ];
      expect(mine.actual).toEqual(other.actual);
    }
  });

  test("lets go of all that it made: nothing is left after a thousand runs, a tenth of which fail", async () => {
    const session = await ours.createSession("doubling", doublingGraph(), new Uint8Array(1));
    const order = { shelf: 1, name: "y", positions: 1 };
    // What cuts to the first positions is a session of its own, made at the first need.
    await session.run({ x: positions }, [], { y: order });
    const { Value: kept, ...before } = ours.live();
    expect(kept).toBe(1);
    for (let count = 0; count < 1000; count++) {
      const isWrong = count % 10 === 0;
      const x = isWrong ? { shape: [12], data: positions.data } : positions;
      const run = session.run({ x }, ["count"], { y: order });
      await (isWrong ? expect(run).rejects.toThrow("failed to run") : run);
    }
    await ours.clear(1);
    await expect(ours.createSession("broken", new Uint8Array(3), new Uint8Array(1))).rejects.toThrow();
    expect(ours.live()).toEqual(before);
    await session.release();
    const left = { ...before, Session: 1, IoBinding: 1 };
    expect([before, ours.live()]).toEqual([{ ...left, Session: 2, IoBinding: 2 }, left]);
  });

  test("closes to nothing, what is kept included", async () => {
    const runtime = await loadCRuntime({ libraryPath });
    expect(runtime.version).toBe(packagedRuntime().version);
    const session = await runtime.createSession("doubling", doublingGraph(), new Uint8Array(1));
    await session.run({ x: positions }, [], { y: { shelf: 1, name: "y", positions: 1 } });
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
