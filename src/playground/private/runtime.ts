import * as ort from "onnxruntime-web/wasm";
import type { BundleFormat } from "#domain/bundle.ts";
import { deviceRuntime } from "#engine/runtime/device-runtime.ts";
import { hostRuntime } from "#engine/runtime/host-runtime.ts";
import type { Runtime } from "#engine/runtime/runtime.ts";

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
  settle(ort.env, ORT_WASM);
  const runtime = hostRuntime(ort, { executionProviders: ["wasm"] });
  return { provider: "wasm", runtime, version: ort.env.versions.web ?? "" };
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
