import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What a package has that nobody runs. */
const IDLE =
  /\.(?:map|md|d\.ts|d\.mts|d\.cts|cts|flow)$|(?:^|\/)(?:docs|test|tests|__tests__|example|examples)\//;

/** Parts of packages that run here, where the whole is far more: native code of other systems, sources beside what they became. */
const PARTS: Readonly<Record<string, (file: string) => boolean>> = {
  "onnxruntime-node": (file) =>
    file === "package.json" ||
    file.startsWith("dist/") ||
    (new RegExp(`^bin/napi-v\\d+/${process.platform}/${process.arch}/`).test(file) &&
      !file.endsWith(".lib")),
  zod: (file) => !file.startsWith("src/"),
};

/** Dependencies that are only for installing. */
const INSTALLERS: ReadonlySet<string> = new Set(["adm-zip", "global-agent"]);

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages with everything that they depend on, as far as it is installed: optional ones of other systems are not. */
export function withDependencies(root: string, names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const manifest = path.join(root, "node_modules", name, "package.json");
    if (found.has(name) || INSTALLERS.has(name) || !existsSync(manifest)) continue;
    found.add(name);
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(manifest, "utf8"),
    ) as Manifest;
    queue.push(...Object.keys({ ...dependencies, ...optionalDependencies }));
  }
  return [...found].toSorted();
}

/** Copies what runs of a package, and its licence. */
export function copyPackage(root: string, name: string, to: string): void {
  const from = path.join(root, "node_modules", name);
  const isPart = PARTS[name] ?? (() => true);
  for (const file of readdirSync(from, {
    recursive: true,
    encoding: "utf8",
    withFileTypes: true,
  })) {
    if (!file.isFile()) continue;
    const relative = path.relative(from, path.join(file.parentPath, file.name));
    const isLicence = /^(?:licen[cs]e|notice|thirdparty)/i.test(file.name);
    if (!isLicence && (IDLE.test(relative) || !isPart(relative))) continue;
    if (relative.startsWith(`node_modules${path.sep}`))
      throw new Error(`${name} has packages of its own, which the pack does not carry`);
    cpSync(path.join(from, relative), path.join(to, "node_modules", name, relative));
  }
}
