import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import path from "node:path";

/** What a program is made of. */
export interface Closure {
  /** Files of this repository, relative to its root. */
  readonly files: readonly string[];
  /** Packages that they import. */
  readonly packages: readonly string[];
}

/** Modules that only some other machine needs, though an import names them; nothing behind them is followed. */
export type LeftOut = ReadonlySet<string>;

interface Manifest {
  readonly imports: Readonly<Record<string, string>>;
}

/**
 * Finds every file that entries of the repository may load: through imports, those of types left out, and through
 * `new URL("./file", import.meta.url)`, which is how threads and kernels are named.
 */
export function closureOf(root: string, entries: readonly string[], leftOut: LeftOut): Closure {
  const { imports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as Manifest;
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [...entries];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    if (!file.endsWith(".ts")) continue;
    for (const specifier of specifiersOf(readFileSync(path.join(root, file), "utf8"))) {
      const target = resolve(file, specifier, imports);
      if (leftOut.has(target ?? specifier) || specifier.startsWith("node:")) continue;
      if (target === undefined) packages.add(packageOf(specifier));
      else if (existsSync(path.join(root, target))) queue.push(target);
      else throw new Error(`${file} names ${specifier}, which is not there`);
    }
  }
  return { files: [...files].toSorted(), packages: [...packages].toSorted() };
}

function specifiersOf(source: string): readonly string[] {
  const code = stripTypeScriptTypes(source);
  const patterns = [
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s+"([^"]+)"/g,
    /(?:^|\n)\s*import\s+"([^"]+)"/g,
    /\bimport\(\s*"([^"]+)"\s*\)/g,
    /\bnew URL\(\s*"(\.[^"]+)",\s*import\.meta\.url\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ""));
}

/** A path from the root; undefined for what is no file of ours. */
function resolve(
  file: string,
  specifier: string,
  imports: Manifest["imports"],
): string | undefined {
  if (specifier.startsWith(".")) return path.posix.join(path.posix.dirname(file), specifier);
  for (const [pattern, target] of Object.entries(imports)) {
    const prefix = pattern.slice(0, -1); // patterns end in one star
    if (specifier.startsWith(prefix))
      return path.posix.normalize(target.replace("*", specifier.slice(prefix.length)));
  }
  return undefined;
}

function packageOf(specifier: string): string {
  const [scope = "", name = ""] = specifier.split("/");
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}
