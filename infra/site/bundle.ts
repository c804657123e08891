import path from "node:path";
import { build } from "esbuild";
import { privateFiles } from "./private.ts";
import type { Site, SiteFile } from "./site.ts";

/** What the site's files are made of: the name in the site, and the source. */
const entries = [
  { out: "base", in: "src/playground/styles/base.css" },
  { out: "playground", in: "src/playground/styles/playground.css" },
  { out: "playground", in: "src/playground/main.tsx" },
  { out: "account", in: "src/playground/styles/account.css" },
  { out: "account", in: "src/playground/account/main.tsx" },
  { out: "theme", in: "src/playground/theme.ts" },
  { out: "docs", in: "src/playground/styles/docs.css" },
  { out: "docs", in: "src/playground/docs/main.ts" },
  { out: "icon", in: "src/playground/icon.svg" },
];

/** Browsers of the last two years: what the pages use without a second thought, `Promise.withResolvers` and `light-dark()` among it. */
export const targets: readonly string[] = ["chrome123", "firefox121", "safari17.5"];

/** Bundles scripts and styles under names that change with what is in them. */
export async function bundle(
  root: string,
): Promise<{ readonly files: readonly SiteFile[]; readonly site: Site }> {
  const outdir = path.join(root, "assets");
  const { files: ofWorker, worker } = await privateFiles(root, targets);
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    bundle: true,
    format: "esm",
    minify: true,
    metafile: true,
    write: false,
    outdir,
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "copy" },
    publicPath: "/assets",
    define: { PRIVATE_WORKER: JSON.stringify(worker) },
    jsx: "automatic",
    jsxImportSource: "hono/jsx/dom",
    legalComments: "none",
    target: [...targets],
    logLevel: "silent",
  });
  const names = new Map<string, string>();
  for (const output of Object.keys(metafile.outputs)) {
    const file = path.basename(output);
    names.set(file.replace(/-[0-9A-Z]{8}(\.[a-z0-9]+)$/, "$1"), `/assets/${file}`);
  }
  const files = outputFiles.map(({ path: file, contents }) => ({
    path: `assets/${path.basename(file)}`,
    content: contents,
  }));
  return { files: [...files, ...ofWorker], site: { asset: (name) => addressOf(name, names) } };
}

function addressOf(name: string, names: ReadonlyMap<string, string>): string {
  const address = names.get(name);
  if (address === undefined)
    throw new Error(`the site has no ${name}; it has ${[...names.keys()].join(", ")}`);
  return address;
}
