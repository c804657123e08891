import { describe, expect, test } from "vitest";
import { opProfiles } from "#graph/profile.ts";
import { PROBE_WIDTH, probeBytes, saturationProbeGraph } from "#graph/saturation-probe.ts";
import { loadRuntimeOffThread } from "#inference/runtime/off-thread.ts";

const model = saturationProbeGraph(opProfiles.cpu);

describe("loadRuntimeOffThread", () => {
  test("takes a stage that is a whole buffer over, and copies one that is a part", async () => {
    const runtime = await loadRuntimeOffThread("cpu", 1);
    const whole = probeBytes();
    const part = new Uint8Array(whole.byteLength + 8).subarray(8);
    await runtime.createSession("whole", model, whole);
    await runtime.createSession("part", model, part);
    expect([whole.byteLength, part.byteLength]).toEqual([0, part.buffer.byteLength - 8]);
    await runtime.close();
  });

  test("gives a buffer back once it is read, as it was, to who fills it again", async () => {
    const runtime = await loadRuntimeOffThread("cpu", 1);
    const stage = probeBytes();
    const before = stage.slice();
    let read: Uint8Array | undefined;
    const session = await runtime.createSession("probe", model, stage, {
      giveBack: (buffer) => {
        read = buffer;
      },
    });
    expect([stage.byteLength, read]).toEqual([0, before]);
    // The runtime has its own copy.
    const ones = { shape: [1, PROBE_WIDTH], data: new Float32Array(PROBE_WIDTH).fill(1) };
    const first = await session.run({ x: ones }, ["y"]);
    read?.fill(0);
    expect(await session.run({ x: ones }, ["y"])).toEqual(first);
    await runtime.close();
  });

  test("makes no session while a pass runs, not even between two of its layers, and makes them after it", async () => {
    const runtime = await loadRuntimeOffThread("cpu", 1);
    const [first, second] = await Promise.all(
      ["a", "b"].map((name) => runtime.createSession(name, model, probeBytes())),
    );
    if (first === undefined || second === undefined) throw new Error("there are no sessions");
    const ones = { shape: [1, PROBE_WIDTH], data: new Float32Array(PROBE_WIDTH).fill(1) };
    const events: string[] = [];
    const pass = async (): Promise<void> => {
      for (const session of [first, second, first, second]) {
        await session.run({ x: ones }, ["y"]);
        events.push("ran");
      }
    };
    const running = pass();
    const made = runtime.createSession("c", model, probeBytes()).then(() => events.push("made"));
    await Promise.all([running, made]);
    expect(events).toEqual(["ran", "ran", "ran", "ran", "made"]);
    await runtime.close();
  });

  test("passes on what the runtime complains of, by the stage's name", async () => {
    const runtime = await loadRuntimeOffThread("cpu", 1);
    const broken = runtime.createSession("layer-07", new Uint8Array([1, 2, 3]), probeBytes());
    await expect(broken).rejects.toThrow("the session of stage layer-07 cannot be created");
    await runtime.close();
  });

  test("rejects what is asked of it after its end", async () => {
    const runtime = await loadRuntimeOffThread("cpu", 1);
    const session = await runtime.createSession("probe", model, probeBytes());
    await runtime.close();
    await expect(session.run({}, ["y"])).rejects.toThrow("the runtime has been closed");
  });

  test("finishes what is under way before it ends: cut off in native code, the process would abort", async () => {
    const runtime = await loadRuntimeOffThread("cpu", 1);
    const sessions = Array.from({ length: 8 }, (_, index) =>
      runtime.createSession(`stage-${index}`, model, probeBytes()),
    );
    const made = Promise.all(sessions);
    await runtime.close();
    expect(await made).toHaveLength(8);
  });
});
