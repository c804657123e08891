import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

/** The most that the CPU image may take, unpacked, in bytes. */
export const MAX_CPU_IMAGE_BYTES = 300_000_000;

/**
 * Packages that are installed for production and have no place in the image: runtimes of browsers (139 MB), which the provider
 * `wasm` alone needs, and types.
 */
const LEFT_OUT = /^(onnxruntime-web|@types\/.*|undici-types|zod-openapi|yauzl)$/;

/** Whether a file below `node_modules` is a part of the image for a platform, such as `linux` and `x64`. */
export function isKept(file: string, platform: string, architecture: string): boolean {
  const [first = "", second = ""] = file.split("/");
  const name = first.startsWith("@") ? `${first}/${second}` : first;
  if (name.startsWith(".") || LEFT_OUT.test(name)) return false;
  // Of 243 MB of ONNX Runtime's binaries those of one platform are used.
  const binaries = /^onnxruntime-node\/bin\/[^/]+\/([^/]+)\/([^/]+)\//.exec(file);
  if (binaries !== null) return binaries[1] === platform && binaries[2] === architecture;
  // Of other C libraries, which never load here.
  if (/^@(img|koromix)\/.*(musl|darwin|win32)/.test(file)) return false;
  return (
    !/\.(map|d\.ts|d\.mts|d\.cts|md|markdown)$/.test(file) && !/\/(test|tests|docs)\//.test(file)
  );
}

/** A package in the image. */
export interface Component {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** As the lock file has it; absent for what does not come from npm. */
  readonly integrity?: string;
  readonly purl: string;
}

/** The packages of a `node_modules` that have a file in the image. */
export function componentsOf(root: string, files: readonly string[]): readonly Component[] {
  const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
  };
  return files
    .filter((file) => /(^|\/node_modules\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(file))
    .flatMap((file) => {
      const folder = path.posix.join("node_modules", path.posix.dirname(file));
      const { name, version, license } = JSON.parse(
        readFileSync(path.join(root, folder, "package.json"), "utf8"),
      ) as { readonly name?: string; readonly version?: string; readonly license?: unknown };
      const integrity = lock.packages[folder]?.integrity;
      if (name === undefined || version === undefined) return [];
      return [
        {
          ...{ name, version, licence: typeof license === "string" ? license : "NOASSERTION" },
          purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
          ...(integrity === undefined ? {} : { integrity }),
        },
      ];
    })
    .toSorted((left, right) => left.purl.localeCompare(right.purl));
}

/** What lies in the image, as CycloneDX 1.6 has it. */
export function billOfMaterials(components: readonly Component[]): object {
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", name: "unmask", "bom-ref": "unmask" } },
    components: components.map(({ name, version, licence, integrity, purl }) => ({
      ...{ type: "library", name, version, purl, "bom-ref": purl },
      licenses: [/[ ()]/.test(licence) ? { expression: licence } : { license: { name: licence } }],
      ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
    })),
  };
}

function hashOf(integrity: string): { readonly alg: string; readonly content: string } {
  const [algorithm = "", digest = ""] = integrity.split("-");
  return {
    alg: algorithm.replace("sha", "SHA-"),
    content: Buffer.from(digest, "base64").toString("hex"),
  };
}

/** The files below a folder that are no folders, sorted. */
export function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Shared objects among files. */
export function sharedObjects(folder: string): readonly string[] {
  return globSync(["**/*.node", "**/*.so", "**/*.so.*"], { cwd: folder })
    .map((file) => path.join(folder, file))
    .filter((file) => statSync(file).isFile());
}
