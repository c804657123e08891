import { readFileSync } from "node:fs";
import path from "node:path";
import type { Bundle } from "#domain/bundle.ts";
import { createTokenizer } from "#engine/text.ts";
import type { Tokenizer } from "#model/text/tokenizer.ts";
import { blobKey, latestKey, manifestKey, parseLatest, parseManifest } from "#weights/manifest.ts";

const FOLDER = "infra/demo-model/photographs/bundle";
const NAME = "unmask-demo";

/** The manifest and the tokenizer of the demo model, without its weights. */
export function demoLanguage(): { readonly bundle: Bundle; readonly tokenizer: Tokenizer } {
  const read = (key: string): Uint8Array => readFileSync(path.join(FOLDER, key));
  const { version } = parseLatest(read(latestKey(NAME)), FOLDER);
  const bundle = parseManifest(read(manifestKey(NAME, version)), FOLDER);
  const text = (name: string): string =>
    new TextDecoder().decode(read(blobKey(bundle.files[name]!)));
  const tokenizer = createTokenizer(text("tokenizer.json"), text("tokenizer_config.json"));
  return { bundle, tokenizer };
}
