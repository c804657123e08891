import { readFileSync } from "node:fs";
import path from "node:path";

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Folders below `node_modules` of packages and of all that they depend on, as the lock file resolves them. Optional ones of other
 * platforms are among them: they are not installed.
 */
export function closureOf(root: string, names: readonly string[]): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const found = new Set<string>();
  const add = (name: string, from: string): void => {
    const folder = resolve(packages, name, from);
    if (folder === null || found.has(folder)) return;
    found.add(folder);
    const { dependencies, optionalDependencies } = packages[folder] ?? {};
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies }))
      add(needed, folder);
  };
  for (const name of names) add(name, "");
  return new Set([...found].map((folder) => folder.replace("node_modules/", "")));
}

/** The nearest folder of a package, as Node looks for it from another's; null where it is not locked. */
function resolve(
  packages: Readonly<Record<string, LockedPackage>>,
  name: string,
  from: string,
): string | null {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const folder = at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (packages[folder] !== undefined) return folder;
    if (at === "") return null;
  }
}
