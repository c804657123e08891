// For `node --import`: the process sees what `npm ci --omit=dev` installs and nothing else, threads included.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(import.meta.dirname, "../..");
const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
  packages: Readonly<Record<string, { dev?: boolean; devOptional?: boolean }>>;
};

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const owner = ownerOf(found.url);
    const { dev, devOptional } = packages[owner] ?? {};
    if (dev === true || devOptional === true)
      throw new Error(`${owner} is not there in production: ${context.parentURL} needs it`);
    return found;
  },
});

/** The folder of the package that a file belongs to, as the lock file names it. */
function ownerOf(url: string): string {
  if (!url.startsWith("file:")) return "";
  const file = path.relative(root, fileURLToPath(url)).split(path.sep).join("/");
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? "";
}
