import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { tensor } from "#domain/tensor.ts";
import type { DeviceParts } from "#engine/device/device-layers.ts";
import { denoiseOnDevice } from "#engine/device/device-pass.ts";
import { createDeviceSteps } from "#engine/device/device-steps.ts";
import { LAYERS_AT_ONCE, layerGroups } from "#engine/device/layer-groups.ts";
import { KeptPrefix } from "#engine/passes/kept-prefix.ts";
import { deviceRuntime } from "#engine/runtime/device-runtime.ts";
import type { Ort, OrtSession } from "#engine/runtime/runtime.ts";
import { createSessions } from "#engine/stages/sessions.ts";
import { takeGraph } from "#graph/device/steps.ts";
import { opProfiles } from "#graph/profile.ts";
import { isFull } from "../support/full.ts";
import { oddArchitecture, randomModel } from "../support/random-model.ts";
import { describeOnVulkan } from "../support/software-vulkan.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as Ort;
const patient = new AbortController().signal;

/** The package, counting the device's buffers that it has handed out and that have not been given back. */
function countingOrt(): { counting: Ort; held: Set<object> } {
  const held = new Set<object>();
  const counting: Ort = {
    Tensor: ort.Tensor,
    InferenceSession: {
      ...ort.InferenceSession,
      async create(...args: [Uint8Array]) {
        const session = await ort.InferenceSession.create(...args);
        const run = session.run.bind(session);
        session.run = (async (...asked: Parameters<OrtSession["run"]>) => {
          const results = await run(...asked);
          for (const result of Object.values(results)) {
            if (result.location !== "gpu-buffer") continue;
            held.add(result);
            const dispose = result.dispose.bind(result);
            result.dispose = () => {
              held.delete(result);
              dispose();
            };
          }
          return results;
        }) as OrtSession["run"];
        return session;
      },
    } as Ort["InferenceSession"],
  };
  return { counting, held };
}

async function openParts(counting: Ort): Promise<DeviceParts> {
  const { architecture, stages } = randomModel();
  const runtime = deviceRuntime(counting);
  const groups = layerGroups(architecture.language, LAYERS_AT_ONCE);
  const profile = opProfiles.webgpu;
  const selfTest = { check: async () => undefined, rowsAreIndependent: false };
  const sessions = createSessions({
    ...{ architecture, profile, runtime, selfTest, groups, isObserved: false },
  });
  for (const { layout, bytes } of stages) await sessions.accept({ layout, bytes });
  const steps = await createDeviceSteps(runtime, architecture, profile);
  return {
    architecture,
    sessions,
    runtime,
    steps,
    groups,
    isObserved: false,
    observe: () => undefined,
  };
}

describeOnVulkan("buffers on a device", () => {
  // A thousand of them in `npm run test:full`.
  test("are as many after many passes as after one: a prefix's keys and values, and what is between its halves", async () => {
    const { counting, held } = countingOrt();
    const parts = await openParts(counting);
    const { hiddenSize, layers } = oddArchitecture.language;
    const kept = new KeptPrefix(1, () => undefined);
    const pass = async (count: number): Promise<void> => {
      const refresh = count % 10 === 0 ? "whole" : count % 10 === 5 ? "deep" : "none";
      const embeddingsSD = tensor(
        [20, hiddenSize],
        Float32Array.from({ length: 20 * hiddenSize }, (_, index) => Math.sin(count + index)),
      );
      const prefix = { kept, length: 16, refresh } as const;
      const order = { embeddingsSD, rows: [17, 19], suppressed: [], prefix };
      // Every hundredth is given up while it runs.
      const leaving = new AbortController();
      const running = denoiseOnDevice(parts, order, 2, leaving.signal);
      if (count % 100 === 99) leaving.abort(new Error("left"));
      await running.catch((error: Error) => expect(error.message).toBe("left"));
    };
    await pass(0);
    const afterOne = held.size;
    expect(afterOne).toBe(2 * layers + 1);
    for (let count = 1; count < (isFull ? 1000 : 110); count++) await pass(count);
    expect(held.size).toBe(afterOne);
    await parts.runtime.clear(1);
    expect(held.size).toBe(0);
    await parts.sessions.release();
    await parts.steps.release();
    await parts.runtime.close();
  });

  test("that a session has left are given back before it, which would end the process otherwise", async () => {
    const { counting, held } = countingOrt();
    const parts = await openParts(counting);
    const embeddingsSD = tensor([8, 72], new Float32Array(8 * 72).fill(0.1));
    const kept = new KeptPrefix(1, () => undefined);
    const prefix = { kept, length: 4, refresh: "whole" } as const;
    await denoiseOnDevice(parts, { embeddingsSD, rows: [7], suppressed: [], prefix }, 2, patient);
    expect(held.size).toBeGreaterThan(0);
    await parts.sessions.release();
    await parts.steps.release();
    expect(held.size).toBe(0);
    await parts.runtime.close();
  });

  test("a tensor of length 0, over which the runtime would crash, is refused before it gets there", async () => {
    const runtime = deviceRuntime(ort);
    const session = await runtime.createSession("take", takeGraph(oddArchitecture.language), []);
    const x = tensor([1, 0, oddArchitecture.language.hiddenSize], new Float32Array(0));
    const rows = { shape: [1], data: Int32Array.of(0) };
    const error = await session.run({ x, rows }, ["out"]).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      message: "stage take failed to run",
      cause: expect.objectContaining({ message: "a device is given a tensor of length 0" }),
    });
    await session.release();
  });
});
