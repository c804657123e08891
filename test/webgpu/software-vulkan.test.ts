import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { createGraph } from "#graph/build.ts";
import { describeOnVulkan, softwareVulkan } from "../support/software-vulkan.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof import("onnxruntime-node");

describeOnVulkan("software Vulkan", () => {
  test("is what this process was started for", () => {
    expect(process.env).toMatchObject(softwareVulkan?.environment ?? {});
  });

  test("runs a graph of ours on ONNX Runtime's WebGPU provider, and nothing of it on the CPU", async () => {
    const graph = createGraph("double");
    const x = graph.input("x", "FLOAT", ["M", 8]);
    graph.output("y", graph.node("Add", [x, x]), "FLOAT", ["M", 8]);
    const session = await ort.InferenceSession.create(graph.toBytes(), {
      executionProviders: ["webgpu"],
      logSeverityLevel: 3,
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    });
    const data = Float32Array.from({ length: 24 }, (_, index) => index / 3);
    const { y } = await session.run({ x: new ort.Tensor("float32", data, [3, 8]) });
    expect(y?.data).toEqual(data.map((number) => 2 * number));
    await session.release();
  });
});
