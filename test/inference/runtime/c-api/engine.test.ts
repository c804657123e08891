import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkCase } from "#cli/parity/case.ts";
import { tensor } from "#domain/tensor.ts";
import type { OrtEngine } from "#engine/ort-engine.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { loadCRuntime } from "#inference/runtime/c-api/c-runtime.ts";
import { packagedRuntime } from "#inference/runtime/cuda/packaged-runtime.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import type { Predictions } from "#model/engine.ts";
import { engineContract } from "../../../contract/engine.ts";
import { deviceOnCpu } from "../../../support/device-on-cpu.ts";
import { randomModel } from "../../../support/random-model.ts";

const patient = new AbortController().signal;

/** The binding that CUDA goes through, on the processor. */
const loadOurs = (): Promise<Runtime> =>
  loadCRuntime({ libraryPath: packagedRuntime().library, threads: 1 });

/** The engine as it is on CUDA, with another runtime below its graphs. */
async function openEngine(runtime: Runtime, model = randomModel("q4")): Promise<OrtEngine> {
  const { architecture, stages } = model;
  const engine = await createNodeEngine({ architecture, provider: "cuda", runtime });
  for (const { layout, bytes } of stages) await engine.accept({ layout, bytes: bytes.slice() });
  return engine;
}

engineContract("CUDA's graphs through ONNX Runtime's C API (on the CPU)", async () => {
  const engine = await openEngine(await loadOurs());
  return { engine, dispose: () => engine.dispose() };
});

/** Whole passes, a kept prefix filled, used and half renewed. */
async function answers(engine: OrtEngine): Promise<Predictions[]> {
  const ids = Array.from({ length: 40 }, (_, index) => (index * 13) % 100);
  const embeddingsSD = await engine.embedTokens(ids, patient);
  const pass = { embeddingsSD, rows: [30, 33, 39], suppressed: [3] };
  const kept = engine.openPrefix();
  const predictions = [await engine.denoise(pass, patient)];
  for (const refresh of ["whole", "none", "deep", "none"] as const)
    predictions.push(
      await engine.denoise({ ...pass, prefix: { kept, length: 29, refresh } }, patient),
    );
  kept.release();
  return predictions;
}

describe("the engine on CUDA's graphs", () => {
  test.each(["f32t", "f16t", "q4"] as const)(
    "gives the same bits through the C API as through the package's binding, whole passes and kept prefixes, %s weights",
    async (encoding) => {
      const [ours, theirs] = await Promise.all([
        loadOurs().then((runtime) => openEngine(runtime, randomModel(encoding))),
        deviceOnCpu().then(({ runtime }) => openEngine(runtime, randomModel(encoding))),
      ]);
      expect(await answers(ours)).toEqual(await answers(theirs));
      await Promise.all([ours.dispose(), theirs.dispose()]);
    },
  );

  test("leaves nothing behind: what an answer has kept is let go of with it, and all the rest with the engine", async () => {
    const runtime = await loadCRuntime({ libraryPath: packagedRuntime().library, threads: 1 });
    const engine = await openEngine(runtime);
    await answers(engine);
    // The shelf is cleared in its turn; a turn later it is gone.
    await engine.encodeImage(tensor([1, 3, 15, 15], new Float32Array(3 * 15 * 15)), patient);
    expect(runtime.live().Value ?? 0).toBe(0);
    await engine.dispose();
    expect(runtime.live()).toEqual({});
  });

  test.each(["p01_square56_grad", "p14_fast_prefix_cache"])(
    "gives the reference's tokens through the C API: %s",
    async (name) => {
      const root = path.resolve("test/fixtures/reference");
      const folder = path.join(root, "cases", name);
      const verdicts = await Array.fromAsync(
        checkCase(root, folder, { provider: "cuda", runtime: await loadOurs() }, patient),
      );
      expect(verdicts.filter(({ outcome }) => outcome === "failed")).toEqual([]);
      expect(verdicts.filter(({ outcome }) => outcome === "passed").length).toBeGreaterThan(1);
    },
  );
});
