import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import type { SiteFile } from "./site.ts";

/** Everything that the worker is made of beside the site's own sources. */
export const privateInputs: readonly string[] = [
  "src/engine",
  "src/graph",
  "src/model",
  "src/weights",
  "wasm/layer.wasm",
  "wasm/layer-plain.wasm",
  "wasm/resize.wasm",
];

/** Files that it fetches when it needs them, by the name under which its sources know their addresses. */
const fetched = {
  ORT_WASM: "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm",
  ORT_WEBGPU_WASM: "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.jspi.wasm",
  RESIZE_WASM: "wasm/resize.wasm",
  LAYER_WASM: "wasm/layer.wasm",
  LAYER_PLAIN_WASM: "wasm/layer-plain.wasm",
} as const;

/** The platform takes no file of the site that is larger. Source: Cloudflare Workers, static assets, limits. */
const MAX_ASSET_BYTES = 25 * 1024 * 1024;

/**
 * Bundles the worker that answers without sending, with all that it fetches, into a folder of its own, which has a policy of its own
 * (infra/site/headers.ts). No page loads any of it before it is switched on.
 */
export async function privateFiles(
  root: string,
  target: readonly string[],
): Promise<{ readonly files: readonly SiteFile[]; readonly worker: string }> {
  const files = Object.values(fetched).map((file) => wasmFile(root, file));
  const addresses = Object.keys(fetched).map((name, index) => [
    name,
    JSON.stringify(`/${files[index]?.path}`),
  ]);
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ out: "worker", in: "src/playground/private/worker.ts" }],
    bundle: true,
    format: "esm",
    splitting: true,
    minify: true,
    metafile: true,
    write: false,
    outdir: path.join(root, "private"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    define: Object.fromEntries(addresses),
    // What ONNX Runtime's own loader imports where it finds itself in Node.
    external: ["module", "worker_threads", "node:*"],
    legalComments: "none",
    target: [...target],
    logLevel: "silent",
  });
  const scripts = outputFiles.map(({ path: file, contents }) => ({
    path: `private/${path.basename(file)}`,
    content: contents,
  }));
  const entry = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint === "src/playground/private/worker.ts",
  );
  if (entry === undefined) throw new Error("the private worker was not built");
  return { files: [...files, ...scripts], worker: `/private/${path.basename(entry[0])}` };
}

/** A file under a name that changes with what is in it. */
function wasmFile(root: string, file: string): SiteFile {
  const content = readFileSync(path.join(root, file));
  if (content.byteLength > MAX_ASSET_BYTES)
    throw new Error(
      `${file} has ${content.byteLength} bytes, more than a file of the site may have`,
    );
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return { path: `private/${path.basename(file, ".wasm")}-${hash}.wasm`, content };
}
