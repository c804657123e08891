import * as ort from "onnxruntime-web/wasm";
import type { BundleFormat } from "#domain/bundle.ts";
import { deviceRuntime } from "#engine/runtime/device-runtime.ts";
import { hostRuntime } from "#engine/runtime/host-runtime.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";
import { withWasmLayers } from "#engine/wasm-layer/wasm-layers.ts";
import { ownFile } from "./own-file.ts";

/** What computes in this browser. */
export interface BrowserRuntime {
  readonly provider: "wasm" | "webgpu";
  readonly runtime: Runtime;
  /** Of the package, as a class of arithmetic names it. */
  readonly version: string;
}

/** Formats whose layers a GPU multiplies as they are stored. The others are for processors. */
const ofDevices: ReadonlySet<BundleFormat> = new Set(["f16", "q8", "q4"]);

/**
 * Takes WebGPU for formats of devices where the browser has a device and can wait for it inside wasm (`WebAssembly.Suspending`: the build
 * without it is larger than a file of the site may be), else wasm, whose files are the site's own.
 */
export async function openBrowserRuntime(format: BundleFormat): Promise<BrowserRuntime> {
  if (ofDevices.has(format) && "Suspending" in WebAssembly && (await hasDevice())) {
    const webgpu = await import("onnxruntime-web/jspi");
    settle(webgpu.env, ORT_WEBGPU_WASM);
    const runtime = deviceRuntime(webgpu);
    return { provider: "webgpu", runtime, version: webgpu.env.versions.web ?? "" };
  }
  return await openWasmRuntime(format);
}

/** What every browser can: ONNX Runtime's wasm, and for layers in int4 kernels of our own, where they pass their test here. */
export async function openWasmRuntime(format: BundleFormat): Promise<BrowserRuntime> {
  settle(ort.env, ORT_WASM);
  const plain = hostRuntime(ort, { executionProviders: ["wasm"] });
  const runtime = format === "q4" ? await withOwnLayers(plain) : plain;
  return { provider: "wasm", runtime, version: ort.env.versions.web ?? "" };
}

async function withOwnLayers(runtime: Runtime): Promise<Runtime> {
  const [relaxed, plain] = await Promise.all([ownFile(LAYER_WASM), ownFile(LAYER_PLAIN_WASM)]);
  const tell = (fault: string): void => console.warn(`decoder layers are ONNX Runtime's: ${fault}`);
  return await withWasmLayers(runtime, { relaxed, plain }, { tell });
}

/** This worker is the thread that computes; more would need a page that is isolated from every other origin. */
function settle({ wasm }: typeof ort.env, file: string): void {
  wasm.wasmPaths = { wasm: file };
  wasm.numThreads = 1;
  wasm.proxy = false;
}

/** A browser may have the interface and no device behind it. */
async function hasDevice(): Promise<boolean> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  return gpu !== undefined && (await gpu.requestAdapter()) !== null;
}
