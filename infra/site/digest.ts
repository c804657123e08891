import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { SITE_FOLDER } from "./site.ts";

/** A digest of files and folders of the repository, names and contents: what is made of them alone need not be made again while it is the same. */
export function digestOf(root: string, inputs: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of inputs.flatMap((input) => filesOf(root, input)))
    hash.update(`${file}\0`).update(readFileSync(path.join(root, file)));
  return hash.digest("hex");
}

/** All but the site, which is made itself. */
function filesOf(root: string, input: string): readonly string[] {
  if (statSync(path.join(root, input)).isFile()) return [input];
  return readdirSync(path.join(root, input), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(SITE_FOLDER))
    .sort();
}
