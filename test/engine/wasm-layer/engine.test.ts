import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOrtEngine, type OrtEngine } from "#engine/ort-engine.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { withWasmLayers } from "#engine/wasm-layer/wasm-layers.ts";
import { loadRuntime } from "#inference/runtime/ort.ts";
import { synthArchitecture } from "#weights/synth/shapes.ts";
import { engineContract } from "../../contract/engine.ts";
import { layerBinaries } from "../../support/layer-kernel.ts";
import { randomStages } from "../../support/random-stages.ts";

const architecture = synthArchitecture("tiny");
const never = new AbortController().signal;

async function openEngine(runtime: Runtime): Promise<OrtEngine> {
  const arithmetic = { provider: "wasm", runtime: "test", kernels: "test", rows: "alone" };
  const engine = await createOrtEngine({ architecture, provider: "wasm", runtime, arithmetic });
  for (const stage of randomStages(architecture, { format: "q4" })) await engine.accept(stage);
  return engine;
}

const graphs: string[] = [];
let own: OrtEngine;

engineContract("ONNX Runtime (wasm) with layers of our own", async () => {
  const runtime = await withWasmLayers(await loadRuntime("wasm", 1), layerBinaries());
  const createSession: Runtime["createSession"] = (name, ...rest) => {
    graphs.push(name);
    return runtime.createSession(name, ...rest);
  };
  own = await openEngine({ ...runtime, createSession });
  return { engine: own, dispose: async () => undefined };
});

describe("an engine whose layers are our own", () => {
  let ort: OrtEngine;
  beforeAll(async () => {
    ort = await openEngine(await loadRuntime("wasm", 1));
  });
  afterAll(() => Promise.all([own.dispose(), ort.dispose()]));

  test("makes graphs of everything else, and of no layer", () => {
    const made = new Set(graphs.filter((name) => name !== "self-test" && name !== "probe"));
    expect([...made].toSorted()).toEqual(["head", "projector", "vision"]);
  });

  test("is as sure of every row as one whose layers are graphs, to what 8 bits of activations leave", async () => {
    const embeddingsSD = await own.embedTokens(
      Array.from({ length: 50 }, (_, id) => id + 3),
      never,
    );
    const pass = { embeddingsSD, rows: [10, 20, 30, 49], suppressed: [] };
    const [one, other] = [await own.denoise(pass, never), await ort.denoise(pass, never)];
    expect(one.tokens).toEqual(other.tokens);
    for (const [row, logit] of one.maxLogits.entries()) {
      expect(Math.abs(logit / other.maxLogits[row]! - 1)).toBeLessThan(0.03);
    }
  });
});
