import { describe, expect, test } from "vitest";
import { type Q4Block, q4Blocks, type StageLayout } from "#domain/bundle.ts";
import type { Runtime, Session } from "#engine/runtime/runtime.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import {
  createSelfTest,
  ProviderMismatchError,
  settleProfile,
} from "#engine/self-test/self-test.ts";
import { opProfiles } from "#graph/profile.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { isFull } from "../../support/full.ts";
import { randomModel } from "../../support/random-model.ts";

/** A decoder layer whose q4 linears say that they lie in blocks of another size; only what it says is read. */
function blocksOf(block: Q4Block): StageLayout {
  const { layout } = randomModel("q4").stage("layer-00");
  const tensors = layout.tensors.map((entry) =>
    entry.encoding === "q4" ? { ...entry, block } : entry,
  );
  return { ...layout, tensors };
}

/** A runtime that puts a wrong number into every result. */
function flawed(runtime: Runtime, flaw: number): Runtime {
  return {
    ...runtime,
    async createSession(...args) {
      const session = await runtime.createSession(...args);
      const run: Session["run"] = async (inputs, outputs) => {
        const results = await session.run(inputs, outputs);
        const spoilt = Object.entries(results).map(([name, { shape, data }]) => [
          name,
          { shape, data: data.map((value, index) => (index % 7 === 0 ? value * flaw : value)) },
        ]);
        return Object.fromEntries(spoilt);
      };
      return { run, release: () => session.release() };
    },
  };
}

const encodings = ["f32t", "f16t", "w8", "w7", "q4", "q8u"] satisfies LinearEncoding[];

describe.each(["cpu", "wasm"] as const)("the self-test of provider %s", (provider) => {
  // The others on wasm too in `npm run test:full`: each compiles the module anew.
  const isTried = (encoding: LinearEncoding): boolean =>
    provider === "cpu" || isFull || ["f32t", "q4"].includes(encoding);

  test.each(encodings.filter(isTried))(
    "is passed with %s weights on this machine",
    async (encoding) => {
      const runtime = await loadRuntime(provider, 1);
      const profile = await settleProfile(runtime, provider);
      const selfTest = createSelfTest(runtime, provider, profile);
      const model = randomModel(encoding);
      await selfTest.check(model.stage("layer-00").layout);
      await selfTest.check(model.stage("vision").layout);
    },
  );

  test("refuses convolutions that are stored as no graph reads them, by their name", async () => {
    const runtime = await loadRuntime(provider, 1);
    const { layout } = randomModel("q4").stage("vision");
    const [first] = layout.tensors;
    if (first === undefined) throw new Error("the stage has no tensor");
    const kernel = { ...first, name: "trunk.stem.weight", shape: [8, 3, 3, 3], encoding: "q8" };
    const stage = { ...layout, tensors: [kernel] } as StageLayout;
    await expect(
      createSelfTest(runtime, provider, opProfiles[provider]).check(stage),
    ).rejects.toThrow("trunk.stem.weight is stored as q8");
  });

  test("is passed with q4 weights in each size of block", async () => {
    const runtime = await loadRuntime(provider, 1);
    for (const block of q4Blocks) {
      await createSelfTest(runtime, provider, opProfiles[provider]).check(blocksOf(block));
    }
  });
});

describe("the self-test", () => {
  test.each(["layer-00", "vision"])(
    "refuses a provider that gets %s wrong by a few per cent, and says how",
    async (name) => {
      const runtime = flawed(await loadRuntime("cpu", 1), 1.1);
      const selfTest = createSelfTest(runtime, "cpu", opProfiles.cpu);
      const check = selfTest.check(randomModel("q4").stage(name).layout);
      await expect(check).rejects.toThrow(ProviderMismatchError);
      await expect(check).rejects.toThrow(
        /provider cpu computes a .* layer with q4 weights wrongly/,
      );
    },
  );

  test("takes a result that is not a number for wrong", async () => {
    const runtime = flawed(await loadRuntime("cpu", 1), Number.NaN);
    const selfTest = createSelfTest(runtime, "cpu", opProfiles.cpu);
    const check = selfTest.check(randomModel().stage("layer-00").layout);
    await expect(check).rejects.toThrow("relative error Infinity");
  });

  test("runs once for each encoding and has nothing to run for a stage without linears", async () => {
    let sessions = 0;
    const runtime = await loadRuntime("cpu", 1);
    const counting: Runtime = {
      ...runtime,
      createSession(...args) {
        sessions += 1;
        return runtime.createSession(...args);
      },
    };
    const selfTest = createSelfTest(counting, "cpu", opProfiles.cpu);
    const model = randomModel("q4", "q8");
    await selfTest.check(model.stage("embed").layout);
    expect(sessions).toBe(0);
    await selfTest.check(model.stage("layer-00").layout);
    await selfTest.check(model.stage("layer-01").layout);
    expect(sessions).toBe(4); // the layer beside plain arithmetic; rows of a linear, of a layer, and of two sequences in one
  });
});

describe("settling the op forms", () => {
  test("int8 weights are taken unsigned where signed ones saturate", async () => {
    const saturating = flawed(await loadRuntime("cpu", 1), 0.5);
    expect((await settleProfile(saturating, "cpu")).int8Weights).toBe("unsigned");
  });
});
