/**
 * Writes the newest version of a bundle once more, as another one that says something else of its model; no weight changes.
 *
 *     node publish.ts FOLDER MODEL VERSION [--trust FILE.json] [--read FILE.json]
 *
 * The files are those of `unmask convert`. The version of before is removed: it has the same blobs.
 */
import { parseArgs } from "node:util";
import { readWord, WORD_OPTIONS } from "#cli/convert/makers-word.ts";
import { fileStore } from "#inference/file-store.ts";
import { publish } from "#weights/bundle-writer.ts";
import { manifestKey } from "#weights/manifest.ts";
import { readManifest } from "#weights/read-bundle.ts";

const { values, positionals } = parseArgs({ allowPositionals: true, options: WORD_OPTIONS });
const [folder, model, version, ...rest] = positionals;
if (folder === undefined || model === undefined || version === undefined || rest.length > 0)
  throw new Error("node publish.ts FOLDER MODEL VERSION [--trust FILE.json] [--read FILE.json]");
const { signal } = new AbortController();
const word = await readWord({ trust: values.trust, read: values.read }, { cwd: process.cwd(), signal });
const store = fileStore(folder);
const { bundle } = await readManifest(store, model);
const { digest } = await publish(store, { ...bundle, ...word, version });
if (version !== bundle.version) await store.remove(manifestKey(model, bundle.version));
process.stdout.write(`${model} ${version} ${digest}\n`);
