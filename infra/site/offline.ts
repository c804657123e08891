import { createHash } from "node:crypto";
import path from "node:path";
import { build } from "esbuild";
import { OFFLINE_WORKER } from "../../src/playground/offline/names.ts";
import type { SiteFile } from "./site.ts";

/**
 * Bundles the service worker that keeps the playground on a device, with the list of what it keeps: what its page names, what those
 * styles name, the samples, and the private worker with what it fetches. Its version is of the contents of them all.
 */
export async function offlineFile(
  root: string,
  files: readonly SiteFile[],
  target: readonly string[],
): Promise<SiteFile> {
  const page = textOf(files, "index.html");
  const named = assetsIn(page);
  const inStyles = named
    .filter((name) => name.endsWith(".css"))
    .flatMap((name) => assetsIn(textOf(files, name)));
  const own = files.map((file) => file.path).filter((name) => /^(?:samples|private)\//.test(name));
  const needed = [...new Set([...named, ...inStyles, ...own.filter((name) => !isLarge(name))])];
  const used = own.filter(isLarge);
  const hash = createHash("sha256");
  for (const file of files)
    if (["index.html", ...needed, ...used].includes(file.path))
      hash.update(file.path).update(file.content);
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/playground/offline/service-worker.ts"],
    bundle: true,
    format: "iife",
    minify: true,
    write: false,
    define: {
      OFFLINE: JSON.stringify({
        version: hash.digest("hex").slice(0, 16),
        needed: ["/", ...needed.map((name) => `/${name}`)],
        used: used.map((name) => `/${name}`),
      }),
    },
    legalComments: "none",
    target: [...target],
    logLevel: "silent",
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error("the service worker was not built");
  return { path: path.posix.basename(OFFLINE_WORKER), content: script.contents };
}

/** ONNX Runtime's wasm, of which a browser uses one. */
function isLarge(name: string): boolean {
  return /^private\/ort-wasm/.test(name);
}

function assetsIn(text: string): readonly string[] {
  return [...text.matchAll(/\/(assets\/[\w.-]+)/g)].map(([, name]) => name ?? "");
}

function textOf(files: readonly SiteFile[], name: string): string {
  const content = files.find((file) => file.path === name)?.content;
  if (content === undefined) throw new Error(`the site has no ${name}`);
  return typeof content === "string" ? content : new TextDecoder().decode(content);
}
