import { afterAll, beforeAll, expect, test } from "vitest";
import type { StageLayout } from "#domain/bundle.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import type { LinearEncoding } from "#engine/self-test/random-layers.ts";
import { createSelfTest, settleProfile } from "#engine/self-test/self-test.ts";
import { type OpProfile, opProfiles } from "#graph/profile.ts";
import { createNodeEngine } from "#inference/runtime/node-engine.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { randomModel } from "../support/random-model.ts";
import { describeOnVulkan, softwareVulkan } from "../support/software-vulkan.ts";

describeOnVulkan("the self-test on WebGPU", () => {
  let runtime: Runtime;
  let profile: OpProfile;
  beforeAll(async () => {
    runtime = await loadRuntime("webgpu");
    profile = await settleProfile(runtime, "webgpu");
  });
  afterAll(() => runtime.close());

  test("refuses the fused attention, which ONNX Runtime 1.30.0 computes wrongly from 32 rows on", () => {
    expect(profile.attention).toBe("batched");
  });

  test("has linears multiply in float16 exactly where the device's shaders have it", () => {
    expect(profile.activations).toBe(softwareVulkan?.hasF16 ? "FLOAT16" : "FLOAT");
  });

  test.each(["f32t", "f16t", "q4", "q8u"] satisfies LinearEncoding[])(
    "is passed with %s weights, by decoder and vision layers, whatever linears multiply in",
    async (encoding) => {
      for (const tried of [profile, opProfiles.webgpu]) {
        const selfTest = createSelfTest(runtime, "webgpu", tried);
        const model = randomModel(encoding);
        await selfTest.check(model.stage("layer-00").layout);
        await selfTest.check(model.stage("vision").layout);
      }
    },
  );

  test("refuses int8 weights by their format's name, and says which to convert to", async () => {
    for (const [encoding, format] of [
      ["w8", "w8a8"],
      ["w7", "w7a8"],
    ] as const) {
      const { architecture, ...model } = randomModel(encoding);
      const engine = await createNodeEngine({ architecture, provider: "webgpu" });
      const stage: { layout: StageLayout; bytes: Uint8Array } = model.stage("layer-00");
      await expect(engine.accept(stage)).rejects.toThrow(
        new RegExp(`${format}, a format for CPUs.*--format q8 or q4`),
      );
      await engine.dispose();
    }
  });
});
