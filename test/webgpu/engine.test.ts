import { expect, test } from "vitest";
import type { OrtEngine } from "#engine/ort-engine.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { createNodeEngine, type NodeEngineOptions } from "#inference/runtime/node-engine.ts";
import { engineContract } from "../contract/engine.ts";
import { plainLogits, type RandomModel, randomModel } from "../support/random-model.ts";
import { describeOnVulkan } from "../support/software-vulkan.ts";

const patient = new AbortController().signal;

async function openEngine(
  { architecture, stages }: RandomModel,
  options: Partial<NodeEngineOptions> = {},
): Promise<OrtEngine> {
  const engine = await createNodeEngine({ architecture, provider: "webgpu", ...options });
  for (const { layout, bytes } of stages) await engine.accept({ layout, bytes: bytes.slice() });
  return engine;
}

/** Largest error of logits against the plain forward, relative to their root mean square: float16 products, and 8-bit activations at most. */
const tolerances: Readonly<Partial<Record<LinearEncoding, number>>> = {
  f32t: 1e-5,
  f16t: 0.01,
  q4: 0.03,
  q8u: 0.03,
};

describeOnVulkan("on WebGPU", () => {
  engineContract("ONNX Runtime (webgpu)", async () => {
    const engine = await openEngine(randomModel());
    return { engine, dispose: () => engine.dispose() };
  });

  test.each(Object.entries(tolerances) as [LinearEncoding, number][])(
    "the engine agrees with the plain forward on %s weights, grouped heads and odd widths",
    async (encoding, tolerance) => {
      const model = randomModel(encoding, encoding === "f32t" ? "f32" : "q8");
      const seen: number[] = [];
      const engine = await openEngine(model, {
        observe: (name, { data }) => {
          if (name === "logits") seen.push(...data);
        },
      });
      const ids = Array.from({ length: 70 }, (_, index) => (index * 13) % 100);
      const embeddingsSD = await engine.embedTokens(ids, patient);
      const rows = ids.map((_, row) => row);
      await engine.denoise({ embeddingsSD, rows, suppressed: [] }, patient);
      const expected = plainLogits(model, {
        width: 72,
        data: Float64Array.from(embeddingsSD.data),
      });
      const columns = model.architecture.logitsColumns;
      let [difference, size] = [0, 0];
      for (const [index, value] of seen.entries()) {
        const wanted =
          expected.data[Math.floor(index / columns) * 100 + (index % columns)] ?? Number.NaN;
        difference += (value - wanted) ** 2;
        size += wanted ** 2;
      }
      expect(seen).toHaveLength(rows.length * columns);
      expect(Math.sqrt(difference / size)).toBeLessThan(tolerance);
      await engine.dispose();
    },
  );
});
