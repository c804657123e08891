// Builds the site, which the Worker serves as static files: node infra/site/build.ts. Does nothing where nothing has changed,
// which takes some 20 ms, so that it can run before every start and every test.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { accountFiles } from "./account.ts";
import { bundle, targets } from "./bundle.ts";
import { digestOf } from "./digest.ts";
import { docsInputs } from "./docs/inputs.ts";
import { HEADERS_FILE } from "./headers.ts";
import { offlineFile } from "./offline.ts";
import { playgroundFiles, playgroundInputs } from "./playground.ts";
import { privateInputs } from "./private.ts";
import { SITE_FOLDER, type SiteFile } from "./site.ts";

const root = path.resolve(import.meta.dirname, "../..");
const folder = path.join(root, SITE_FOLDER);

/** What the last build was made of. Not beside the files: everything there is served. */
const keyFile = path.join(root, "node_modules/.cache/unmask-site.key");

/** Everything that the files depend on, files and folders. */
const inputs = [
  "infra/site",
  "src/playground",
  "src/client",
  "src/wire",
  "src/domain",
  "package-lock.json",
  ...playgroundInputs,
  ...privateInputs,
  ...docsInputs,
];

/** Threat: a first load that takes seconds on a phone. Bytes of script, gzipped, that a page loads. */
export const MAX_SCRIPT_BYTES = 60_000;

/** Builds the site where it is not up to date. Throws an Error that says what is wrong with its sources. */
export async function buildSite(): Promise<void> {
  const key = digestOf(root, inputs);
  if (existsSync(path.join(folder, "index.html")) && isKnown(key)) return;
  const bundled = await bundle(root);
  // Only now: what it imports takes longer than finding out that nothing has changed.
  const { docsFiles } = await import("./docs/pages.ts");
  const ofPage = [...bundled.files, ...playgroundFiles(root, bundled.site)];
  const files = [
    ...ofPage,
    await offlineFile(root, ofPage, targets),
    ...accountFiles(bundled.site),
    ...(await docsFiles(bundled.site)),
    { path: "_headers", content: HEADERS_FILE },
  ];
  checkScripts(files);
  write(files);
  mkdirSync(path.dirname(keyFile), { recursive: true });
  writeFileSync(keyFile, key);
}

function isKnown(key: string): boolean {
  return existsSync(keyFile) && readFileSync(keyFile, "utf8") === key;
}

/** Pages that are programs, by their files; those of the documentation share one script that is smaller. */
const programs = ["index.html", "account.html"];

/** Throws where a page loads more script than the budget. */
function checkScripts(files: readonly SiteFile[]): void {
  for (const page of programs) {
    const total = scriptSizes(files, page).reduce((sum, { gzipped }) => sum + gzipped, 0);
    if (total > MAX_SCRIPT_BYTES)
      throw new Error(
        `${page} loads ${total} bytes of script (gzip), allowed are ${MAX_SCRIPT_BYTES}`,
      );
  }
}

/** Bytes of each script that a page loads. */
export function scriptSizes(
  files: readonly SiteFile[],
  page: string,
): readonly { readonly path: string; readonly bytes: number; readonly gzipped: number }[] {
  const text = String(files.find((file) => file.path === page)?.content);
  const named = [...text.matchAll(/<script[^>]* src="\/([^"]+)"/g)].map(([, name]) => name ?? "");
  return named.map((name) => {
    const content = files.find((file) => file.path === name)?.content;
    if (content === undefined) throw new Error(`${page} names ${name}, which is not built`);
    return {
      path: name,
      bytes: Buffer.byteLength(content),
      gzipped: gzipSync(content, { level: 9 }).length,
    };
  });
}

/** Pages last, each whole or not at all; then what no page names any more goes. */
function write(files: readonly SiteFile[]): void {
  const kept = new Set(files.map((file) => path.join(folder, file.path)));
  const isPage = ({ path: name }: SiteFile): number => (name.endsWith(".html") ? 1 : 0);
  for (const file of [...files].sort((one, other) => isPage(one) - isPage(other))) {
    const target = path.join(folder, file.path);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(`${target}.${process.pid}.new`, file.content);
    renameSync(`${target}.${process.pid}.new`, target);
  }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(file) && !file.endsWith(".new")) rmSync(file, { force: true });
  }
}

if (import.meta.main) await buildSite();
