import { createRequire } from "node:module";
import path from "node:path";
import { RUNTIME_FILE } from "./provider-folder.ts";

/** The runtime that the package onnxruntime-node brings: where its library lies, and its version. */
export function packagedRuntime(): { readonly library: string; readonly version: string } {
  const require = createRequire(import.meta.url);
  const description = require.resolve("onnxruntime-node/package.json");
  const { version } = require(description) as { readonly version: string };
  const folder = path.join(
    path.dirname(description),
    "bin/napi-v6",
    process.platform,
    process.arch,
  );
  return { library: path.join(folder, RUNTIME_FILE), version };
}
