import { createOrtEngine } from "#inference/engine/ort-engine.ts";
import { engineContract } from "../contract/engine.ts";
import { randomModel } from "../support/random-model.ts";
import { describeOnVulkan } from "../support/software-vulkan.ts";

describeOnVulkan("on WebGPU", () => {
  engineContract("ONNX Runtime (webgpu)", async () => {
    const model = randomModel();
    const engine = await createOrtEngine({ architecture: model.architecture, provider: "webgpu" });
    for (const stage of model.stages) {
      await engine.accept({ layout: stage.layout, bytes: stage.bytes.slice() });
    }
    return { engine, dispose: () => engine.dispose() };
  });
});
