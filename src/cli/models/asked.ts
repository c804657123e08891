import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { nothingIfMissing } from "./model-folders.ts";
import { type ModelSource, sourceText } from "./source.ts";

/**
 * What is asked for, as it is remembered with the model that it was: a hub's revision by its name, a folder by its path and the
 * sizes and times of its files. Asked again the model is found without the network, or without reading a file. Undefined for what
 * must be looked at to be known.
 */
export async function askedText(source: ModelSource): Promise<string | undefined> {
  switch (source.kind) {
    case "hub":
      return sourceText(source);
    case "folder":
      return `${source.path}#${await stateOf(source.path)}`;
    case "web":
    case "bucket":
      return undefined;
    default:
      return source satisfies never;
  }
}

/** Differs whenever a file directly in the folder does, by size or time; 16 hex digits. */
async function stateOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(folder)).sort()) {
    const found = await stat(path.join(folder, name)).catch(nothingIfMissing); // a link may lead nowhere
    hash.update(`${name}\n${found?.size}\n${found?.mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}
