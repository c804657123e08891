import { describe, expect, test } from "vitest";
import { q4Blocks } from "#domain/bundle.ts";
import type { Runtime, Session } from "#engine/runtime/runtime.ts";
import type { LinearKind } from "#engine/self-test/random-layers.ts";
import { rowsAreIndependent } from "#engine/self-test/row-independence.ts";
import { createSelfTest, settleProfile } from "#engine/self-test/self-test.ts";
import { opProfiles } from "#graph/profile.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { isFull } from "../../support/full.ts";
import { randomModel } from "../../support/random-model.ts";

const kinds: readonly LinearKind[] = [
  ...(["f32t", "f16t", "w8", "w7"] as const).map((encoding) => ({ encoding })),
  ...q4Blocks.map((block) => ({ encoding: "q4" as const, block })),
];

/** A runtime that changes the last bit of one number in runs of so many rows, as a kernel that adds in another order would. */
function dependent(runtime: Runtime, rows: number): Runtime {
  return {
    ...runtime,
    async createSession(...args) {
      const session = await runtime.createSession(...args);
      const run: Session["run"] = async (inputs, outputs, keep) => {
        const results = await session.run(inputs, outputs, keep);
        for (const { shape, data } of Object.values(results)) {
          if (shape.at(-2) !== rows) continue;
          const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
          bits[bits.length - 1] = (bits[bits.length - 1] ?? 0) ^ 1;
        }
        return results;
      };
      return { run, release: () => session.release() };
    },
  };
}

describe.each(["cpu", "wasm"] as const)("rows on %s", (provider) => {
  // Of every kind on wasm too in `npm run test:full`.
  const isTried = ({ encoding }: LinearKind): boolean =>
    provider === "cpu" || isFull || ["f32t", "q4"].includes(encoding);

  test.each(kinds.filter(isTried))(
    "of $encoding $block come out the same bits in any company",
    async (kind) => {
      for (const threads of provider === "cpu" ? [1, 2] : [undefined]) {
        const runtime = await loadRuntime(provider, threads);
        const profile = await settleProfile(runtime, provider);
        expect(await rowsAreIndependent(runtime, profile, kind)).toBe(true);
      }
    },
  );

  test("of a kernel that rounds one number otherwise for 34 rows are not independent", async () => {
    const runtime = dependent(await loadRuntime(provider, 1), 34);
    expect(await rowsAreIndependent(runtime, opProfiles[provider], { encoding: "f32t" })).toBe(
      false,
    );
  });
});

describe("the test of rows", () => {
  test("finds the counterexample: rows left over from pairs of an int4 product are summed in another order", async () => {
    const runtime = await loadRuntime("cpu", 1);
    const found: boolean[] = [];
    for (const block of q4Blocks)
      found.push(await rowsAreIndependent(runtime, opProfiles.cpu, { encoding: "q4", block }, 1));
    expect(found).toContain(false); // AVX2: every block; AVX-512: 64 and 128
  });

  test("is part of the self-test, and the engine says how it went", async () => {
    const runtime = dependent(await loadRuntime("cpu", 1), 34);
    const selfTest = createSelfTest(runtime, "cpu", opProfiles.cpu);
    expect(selfTest.rowsAreIndependent).toBe(true);
    await selfTest.check(randomModel("f32t").stage("layer-00").layout);
    expect(selfTest.rowsAreIndependent).toBe(false);

    const model = randomModel("f32t");
    const engine = await createNodeEngine({
      architecture: model.architecture,
      provider: "cpu",
      threads: 1,
      thread: "callers",
    });
    for (const stage of model.stages) await engine.accept(stage);
    expect(engine.rowsAreIndependent).toBe(true);
    await engine.dispose();
  });
});
