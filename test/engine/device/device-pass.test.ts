import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Tensor, tensor } from "#domain/tensor.ts";
import type { DeviceParts } from "#engine/device/device-layers.ts";
import { denoiseOnDevice } from "#engine/device/device-pass.ts";
import { createDeviceSteps } from "#engine/device/device-steps.ts";
import { layerGroups } from "#engine/device/layer-groups.ts";
import type { EngineParts } from "#engine/engine-parts.ts";
import { denoise } from "#engine/passes/denoise.ts";
import { KeptPrefix } from "#engine/passes/kept-prefix.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { createSelfTest } from "#engine/self-test/self-test.ts";
import { createSessions } from "#engine/stages/sessions.ts";
import { type OpProfile, opProfiles } from "#graph/profile.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import type { ForwardPass, Predictions, PrefixUse } from "#model/engine.ts";
import { deviceOnCpu } from "../../support/device-on-cpu.ts";
import { oddArchitecture, type RandomModel, randomModel } from "../../support/random-model.ts";

const patient = new AbortController().signal;
const { hiddenSize, vocabSize } = oddArchitecture.language;

async function openHost(model: RandomModel): Promise<EngineParts> {
  const runtime = await loadRuntime("cpu", 1);
  return await openParts(model, runtime, "cpu");
}

async function openParts(
  { architecture, stages }: RandomModel,
  runtime: Runtime,
  provider: "cpu" | "webgpu",
  profile: OpProfile = opProfiles[provider],
  atOnce = 1,
): Promise<EngineParts> {
  const selfTest = createSelfTest(runtime, provider, profile);
  const groups = layerGroups(architecture.language, atOnce);
  const sessions = createSessions({
    ...{ architecture, profile, runtime, selfTest, groups, isObserved: false },
  });
  for (const { layout, bytes } of stages) await sessions.accept({ layout, bytes: bytes.slice() });
  return { architecture, sessions, isObserved: false, observe: () => undefined };
}

async function openDevice(model: RandomModel, atOnce: number, form: Partial<OpProfile> = {}) {
  const profile = { ...opProfiles.webgpu, ...form };
  const { runtime, log, kept } = await deviceOnCpu();
  const { language } = model.architecture;
  const parts: DeviceParts = {
    ...(await openParts(model, runtime, "webgpu", profile, atOnce)),
    ...{ runtime, steps: await createDeviceSteps(runtime, model.architecture, profile) },
    groups: layerGroups(language, atOnce),
  };
  return { parts, log, kept };
}

/** A model of four layers, so that sessions of two do not reach over the middle. */
function model(encoding: LinearEncoding = "f32t", layers = 4, keyValueHeads = 2): RandomModel {
  const language = { ...oddArchitecture.language, layers, keyValueHeads };
  return randomModel(encoding, "f32", { ...oddArchitecture, language });
}

function vectors(size: number, seed: number): Tensor {
  const data = Float32Array.from({ length: size * hiddenSize }, (_, index) =>
    Math.sin(seed + 1.7 * index),
  );
  return tensor([size, hiddenSize], data);
}

function expectAlike(actual: Predictions, expected: Predictions, digits = 3): void {
  expect([...actual.tokens]).toEqual([...expected.tokens]);
  for (const name of ["chosenLogits", "maxLogits", "runnerUpLogits", "tails", "slopes"] as const) {
    for (const [row, value] of expected[name].entries())
      expect(actual[name][row]).toBeCloseTo(value, digits);
  }
  expectNear(actual.askedLogits, expected.askedLogits, digits);
  expect(actual.best?.count).toBe(expected.best?.count);
  expect(actual.best?.tokensRN).toEqual(expected.best?.tokensRN);
  expectNear(actual.best?.logitsRN, expected.best?.logitsRN, digits);
}

function expectNear(
  actual: Float32Array | undefined,
  expected: Float32Array | undefined,
  digits: number,
): void {
  expect(actual?.length).toBe(expected?.length);
  for (const [index, value] of expected?.entries() ?? [])
    expect(actual?.[index]).toBeCloseTo(value, digits);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Passes that between them take every way through a pass. */
const passes: readonly [string, ForwardPass][] = [
  ["everything", { embeddingsSD: vectors(37, 1), rows: [4, 20, 36], suppressed: [3, 7] }],
  ["a single position", { embeddingsSD: vectors(1, 2), rows: [0], suppressed: [] }],
  [
    "more rows than the head takes at once",
    { embeddingsSD: vectors(70, 3), rows: Array.from({ length: 69 }, (_, n) => n), suppressed: [] },
  ],
  [
    "rows of several classes that ask for logits by name and rank",
    {
      embeddingsSD: vectors(70, 7),
      rows: Array.from({ length: 69 }, (_, n) => n),
      suppressed: [2],
      classes: {
        columns: [{ not: [8] }, { only: range(40, 70) }],
        ofRows: Array.from({ length: 69 }, (_, n) => n % 2),
      },
      asked: { rows: Int32Array.of(68, 0, 3, 68, 1), tokens: Int32Array.of(50, 8, 40, 0, 69) },
      best: 10, // in three runs of four, where the device has them
    },
  ],
  [
    "two sequences of guidance",
    {
      embeddingsSD: vectors(22, 4),
      rows: [11, 21],
      suppressed: [5],
      guidance: { unconditionalSD: vectors(22, 5), scale: 1.5 },
    },
  ],
  [
    "noise",
    {
      embeddingsSD: vectors(9, 6),
      rows: [7, 8],
      suppressed: [],
      noiseRV: Float32Array.from({ length: 2 * oddArchitecture.logitsColumns }, (_, n) =>
        Math.cos(3 * n),
      ),
    },
  ],
];

describe.each([
  [1, "batched", 2, 8],
  [2, "batched", 2, 8],
  [2, "batched", 4, 3], // three heads, then the last
  [2, "batched", 2, 1], // a key head at a time, whatever share it
  [2, "fused", 4, 8],
  [2, "fused", 2, 8], // without keys for each head: batched all the same
] as const)(
  "a pass on a device, %i layers a session, attention %s over %i key heads, the scores of %i heads at once,",
  (atOnce, attention, keyHeads, headsAtOnce) => {
    let host: EngineParts;
    let device: Awaited<ReturnType<typeof openDevice>>;
    beforeAll(async () => {
      host = await openHost(model("f32t", 4, keyHeads));
      device = await openDevice(model("f32t", 4, keyHeads), atOnce, {
        attention,
        headsAtOnce,
      });
    });
    afterAll(async () => {
      await host.sessions.release();
      await device.parts.sessions.release();
    });

    test.each(passes)(
      "over %s predicts what one on the host does, and leaves nothing",
      async (...[, pass]) => {
        const expected = await denoise(host, pass, patient);
        expectAlike(await denoiseOnDevice(device.parts, pass, 1, patient), expected);
        expect([...device.kept]).toEqual([]);
      },
    );

    test.each([
      [30, 41],
      [29, 30],
      [0, 6],
      [1, 3],
    ])(
      "keeps a prefix of %i positions and computes what follows of %i, whole, behind it and from the middle on",
      async (length, size) => {
        for (const isGuided of [false, true]) {
          const kept = {
            host: new KeptPrefix(2, () => undefined),
            device: new KeptPrefix(2, () => undefined),
          };
          for (const [step, refresh] of (
            ["whole", "none", "deep", "none", "whole", "deep"] as const
          ).entries()) {
            const embeddingsSD = vectors(size, 7);
            embeddingsSD.data.fill(0.1 * step, length * hiddenSize); // what follows changes
            const rows = [length, size - 1].filter((row, index, all) => all.indexOf(row) === index);
            const plain = { embeddingsSD, rows, suppressed: [3] };
            const pass: ForwardPass = isGuided
              ? { ...plain, guidance: { unconditionalSD: vectors(size, 8), scale: 1 } }
              : plain;
            const use = (of: "host" | "device"): { prefix: PrefixUse } => ({
              prefix: { kept: kept[of], length, refresh },
            });
            const expected = await denoise(host, { ...pass, ...use("host") }, patient);
            const actual = await denoiseOnDevice(
              device.parts,
              { ...pass, ...use("device") },
              3,
              patient,
            );
            expectAlike(actual, expected);
          }
          expect([...device.kept].every((name) => name.startsWith("2/"))).toBe(true);
          await device.parts.runtime.clear(2);
        }
      },
    );

    test("runs each session of layers once, the head, and what all layers see beside", async () => {
      const pass: ForwardPass = { embeddingsSD: vectors(37, 1), rows: [36], suppressed: [] };
      device.log.forget();
      await denoiseOnDevice(device.parts, pass, 4, patient);
      const layers = atOnce === 1 ? [0, 1, 2, 3] : [0, 2];
      expect(device.log.runs).toEqual([
        "surroundings",
        ...layers.map((layer) => `layer-0${layer}`),
        "head",
      ]);
    });

    test("lets six numbers of each asked row leave the device, and takes in no vector twice", async () => {
      const pass: ForwardPass = {
        embeddingsSD: vectors(37, 1),
        rows: [1, 2, 3, 36],
        suppressed: [],
      };
      device.log.forget();
      await denoiseOnDevice(device.parts, pass, 4, patient);
      expect(device.log.fromDevice).toBe(4 * 6 * 4);
      const vectorBytes = 40 * hiddenSize * 4;
      expect(device.log.toDevice).toBeGreaterThan(vectorBytes);
      expect(device.log.toDevice).toBeLessThan(2 * vectorBytes);
    });

    test("that is wrong, or given up, fails with the reason and leaves nothing", async () => {
      const pass: ForwardPass = { embeddingsSD: vectors(8, 1), rows: [7], suppressed: [] };
      const wrong = { ...pass, suppressed: [vocabSize] };
      await expect(denoiseOnDevice(device.parts, wrong, 5, patient)).rejects.toThrow(RangeError);
      const left = AbortSignal.abort(new Error("left"));
      await expect(denoiseOnDevice(device.parts, pass, 6, left)).rejects.toThrow("left");
      expect([...device.kept]).toEqual([]);
    });

    test("of which a session fails is told what failed first, not what failed for want of it", async () => {
      const pass: ForwardPass = { embeddingsSD: vectors(8, 1), rows: [7], suppressed: [] };
      const { sessions } = device.parts;
      const broken: DeviceParts = {
        ...device.parts,
        sessions: {
          ...sessions,
          async layer(index, signal) {
            const session = await sessions.layer(index, signal);
            if (index > 0) return session;
            return { ...session, run: () => Promise.reject(new Error("layer-00 has no memory")) };
          },
        },
      };
      await expect(denoiseOnDevice(broken, pass, 7, patient)).rejects.toThrow(
        "layer-00 has no memory",
      );
      expect([...device.kept]).toEqual([]);
    });
  },
);

test.each(["f16t", "q4", "q8u"] as const)(
  "layers and head on a device multiply with %s weights as on the host",
  async (encoding) => {
    const host = await openHost(model(encoding, 2));
    const device = await openDevice(model(encoding, 2), 1);
    const pass: ForwardPass = { embeddingsSD: vectors(37, 1), rows: [4, 36], suppressed: [] };
    const expected = await denoise(host, pass, patient);
    expectAlike(await denoiseOnDevice(device.parts, pass, 1, patient), expected, 1);
  },
);

test("a tower of one layer, which has no shallow half, keeps its prefix too", async () => {
  const host = await openHost(model("f32t", 1));
  const device = await openDevice(model("f32t", 1), 4);
  const kept = {
    host: new KeptPrefix(2, () => undefined),
    device: new KeptPrefix(2, () => undefined),
  };
  for (const refresh of ["whole", "none", "deep"] as const) {
    const pass = { embeddingsSD: vectors(20, 1), rows: [18, 19], suppressed: [] };
    const use = (of: "host" | "device"): ForwardPass => ({
      ...pass,
      prefix: { kept: kept[of], length: 17, refresh },
    });
    expectAlike(
      await denoiseOnDevice(device.parts, use("device"), 1, patient),
      await denoise(host, use("host"), patient),
    );
  }
});
