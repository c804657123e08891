// Compiles the wasm kernels: node wasm/build.ts. Does nothing where they are up to date, which takes a few milliseconds, so
// that it can run before every start and every test. With --check it compiles all of them anew, writes nothing, and fails
// where one is not what its source compiles to.
//
// The binaries (2 to 7 kB each) lie beside their sources in git: an installation without devDependencies has no compiler.

import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

/** One binary. Its source is a file, and the folder of the same name where it has parts. */
interface Kernel {
  readonly binary: string;
  readonly source: string;
  readonly features: readonly string[];
}

const kernels: readonly Kernel[] = [
  { binary: "resize", source: "resize", features: ["simd"] },
  { binary: "layer", source: "layer", features: ["simd", "relaxed-simd"] },
  // The same bits where a browser has no relaxed SIMD.
  { binary: "layer-plain", source: "layer", features: ["simd"] },
];

const folder = import.meta.dirname;
const root = path.dirname(folder);

for (const kernel of kernels) {
  if (process.argv.includes("--check")) await check(kernel);
  else if (!isUpToDate(kernel)) await build(kernel);
}

/** Release settings. `stub`: no allocator and no collector, the kernels work in memory that the caller lays out. */
function optionsOf({ features }: Kernel): readonly string[] {
  const enabled = features.flatMap((feature) => ["--enable", feature]);
  return ["--optimizeLevel", "3", ...enabled, "--runtime", "stub", "--noAssert"];
}

function fileOf({ binary }: Kernel, ending: "wasm" | "key"): string {
  return path.join(folder, `${binary}.${ending}`);
}

/** The sources of a kernel by their names, its own first. */
function sourcesOf({ source }: Kernel): ReadonlyMap<string, string> {
  const names = [`${source}.ts`, ...globSync(`${source}/*.ts`, { cwd: folder }).toSorted()];
  return new Map(names.map((name) => [name, readFileSync(path.join(folder, name), "utf8")]));
}

function isUpToDate(kernel: Kernel): boolean {
  const [binary, key] = [fileOf(kernel, "wasm"), fileOf(kernel, "key")];
  return (
    existsSync(binary) && existsSync(key) && readFileSync(key, "utf8").trim() === keyOf(kernel)
  );
}

/** Everything that the binary depends on: source, settings, compiler. */
function keyOf(kernel: Kernel): string {
  const manifest = path.join(root, "node_modules/assemblyscript/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const hash = createHash("sha256").update([version, ...optionsOf(kernel)].join(" "));
  for (const source of sourcesOf(kernel).values()) hash.update(source);
  return hash.digest("hex");
}

async function check(kernel: Kernel): Promise<void> {
  const isSame =
    existsSync(fileOf(kernel, "wasm")) &&
    readFileSync(fileOf(kernel, "wasm")).equals(await compile(kernel));
  if (isSame && isUpToDate(kernel)) return;
  process.stderr.write(
    `wasm/${kernel.binary}.wasm is not what wasm/${kernel.source}.ts compiles to: node wasm/build.ts, and commit it\n`,
  );
  process.exitCode = 1;
}

/** The key is written last and both by renaming: a build that is cut off is not taken for one. */
async function build(kernel: Kernel): Promise<void> {
  const started = performance.now();
  const binary = await compile(kernel);
  replace(fileOf(kernel, "wasm"), binary);
  replace(fileOf(kernel, "key"), `${keyOf(kernel)}\n`);
  const took = Math.round(performance.now() - started);
  process.stderr.write(`built wasm/${kernel.binary}.wasm (${binary.length} bytes, ${took} ms)\n`);
}

async function compile(kernel: Kernel): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc"); // Seconds to load: only when there is something to do.
  const sources = sourcesOf(kernel);
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [`${kernel.source}.ts`, "--outFile", `${kernel.binary}.wasm`, ...optionsOf(kernel)],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (_, contents) => {
        binary = typeof contents === "string" ? undefined : contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) {
    throw new Error(`cannot compile wasm/${kernel.source}.ts:\n${stderr}`, { cause: error });
  }
  return binary;
}

function replace(file: string, contents: Uint8Array | string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, file);
}
