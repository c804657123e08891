import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { floats } from "#engine/engine-parts.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { drawer, random } from "#engine/self-test/random-layers.ts";
import { smallTower } from "#engine/self-test/self-test-tower.ts";
import { convTowerGraph } from "#graph/conv/tower.ts";
import { opProfiles } from "#graph/profile.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { type ConvTowerResult, convTower } from "#model/reference/conv-tower.ts";
import { convArchitecture, lite0 } from "../../support/conv-tower.ts";
import { externalRanges, readModel, signature } from "../../support/onnx.ts";
import { randomModel } from "../../support/random-model.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await loadRuntime("cpu", 1);
});

afterAll(() => runtime.close());

const outputs = ["map", "tap", "colors", "features"] as const;

describe("convTowerGraph", () => {
  test("takes one view and yields a vector for each cell and one for the whole", () => {
    const { layout } = randomModel("f32t", "f32", convArchitecture).stage("vision");
    const model = readModel(convTowerGraph(smallTower, layout, opProfiles.cpu, false));
    expect(signature(model, "input")).toEqual(["views [1, 3, 12, 12]"]);
    expect(signature(model, "output")).toEqual(["features [1, 10, 17]"]);
  });

  test.each(["f32t", "w8"] as const)(
    "takes every byte range of its stage exactly once, in %s",
    (form) => {
      const { layout } = randomModel(form, "f32", convArchitecture).stage("vision");
      const ranges = layout.tensors
        .flatMap(({ data, scales }) => (scales === undefined ? [data] : [data, scales]))
        .toSorted((a, b) => a.offset - b.offset);
      const model = readModel(convTowerGraph(smallTower, layout, opProfiles.cpu, false));
      expect(externalRanges(model)).toEqual(ranges);
    },
  );

  // The graphs for cards run here on the processor: what they compute does not depend on where.
  test.each([
    ["convolutions", "cpu", "f32t"],
    ["convolutions, its weights in 8 bits", "cpu", "w8"],
    ["convolutions as WebGPU takes them", "webgpu", "f32t"],
    ["products, for CUDA without cuDNN", "cuda", "f32t"],
    ["products, its weights in 8 bits", "cuda", "w8"],
  ] as const)("as %s computes what the plain forward does", async (_, provider, encoding) => {
    const { layout, bytes, weights } = randomModel(encoding, "f32", convArchitecture).stage(
      "vision",
    );
    const views = random(drawer(), [1, 3, 12, 12]);
    const model = convTowerGraph(smallTower, layout, opProfiles[provider], true);
    const session = await runtime.createSession("vision", model, bytes);
    const seen = await session.run({ views }, [...outputs]);
    await session.release();
    const pixels = Float64Array.from(views.data, (_, index) => {
      return views.data[(index % 3) * 144 + Math.floor(index / 3)] ?? Number.NaN;
    });
    const expected: ConvTowerResult = convTower(weights, smallTower, { width: 3, data: pixels });
    for (const name of outputs) {
      const actual = floats(seen[name]).data;
      expect(actual).toHaveLength(expected[name].data.length);
      const errors = Array.from(actual, (value, k) =>
        Math.abs(value - (expected[name].data[k] ?? Number.NaN)),
      );
      expect(Math.max(...errors), name).toBeLessThan(2e-5);
    }
  });

  test("of EfficientNet-Lite0 has a node for each convolution, and for CUDA none that is cuDNN's", () => {
    const { layout } = randomModel("f32t", "f32", { ...convArchitecture, vision: lite0 }).stage(
      "vision",
    );
    const kinds = (provider: "cpu" | "cuda") =>
      (readModel(convTowerGraph(lite0, layout, opProfiles[provider], false)).graph?.node ?? []).map(
        ({ opType }) => opType,
      );
    expect(kinds("cpu").filter((kind) => kind === "Conv")).toHaveLength(49);
    expect(kinds("cuda").filter((kind) => /Conv|Pool|ReduceM/.test(kind))).toEqual([]);
  });
});
