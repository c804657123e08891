import { expect, test } from "vitest";
import ortUrl from "../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm?url";
import relaxedUrl from "../../wasm/layer.wasm?url";
import plainUrl from "../../wasm/layer-plain.wasm?url";

// The site's build puts these in (infra/site/private.ts).
Object.assign(globalThis, { ORT_WASM: ortUrl, LAYER_WASM: relaxedUrl, LAYER_PLAIN_WASM: plainUrl });
const { openWasmRuntime } = await import("#playground/private/runtime.ts");

test("in a browser without WebGPU layers in int4 are computed by our own kernels, and answers say so", async () => {
  const { provider, runtime } = await openWasmRuntime("q4");
  expect([provider, runtime.arithmetic?.kernels]).toEqual(["wasm", "simd128+layers.1-int4"]);
  expect(runtime.openLayer).toBeDefined();
});

test("layers in int8, which are to have the service's tokens, are ONNX Runtime's", async () => {
  const { runtime } = await openWasmRuntime("w8a8");
  expect([runtime.openLayer, runtime.arithmetic?.kernels]).toEqual([undefined, undefined]);
});
