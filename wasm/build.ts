// Compiles the wasm kernels: node wasm/build.ts. Does nothing where they are up to date, which takes a few milliseconds, so
// that it can run before every start and every test. With --check it compiles all of them anew, writes nothing, and fails
// where one is not what its source compiles to.
//
// The binaries (2 kB each) lie beside their sources in git: an installation without devDependencies has no compiler.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

const kernels = ["resize"];

const folder = import.meta.dirname;
const root = path.dirname(folder);

/** Release settings. `stub`: no allocator and no collector, the kernels work in memory that the caller lays out. */
const options = ["--optimizeLevel", "3", "--enable", "simd", "--runtime", "stub", "--noAssert"];

for (const kernel of kernels) {
  if (process.argv.includes("--check")) await check(kernel);
  else if (!isUpToDate(kernel)) await build(kernel);
}

function fileOf(kernel: string, ending: "ts" | "wasm" | "key"): string {
  return path.join(folder, `${kernel}.${ending}`);
}

function isUpToDate(kernel: string): boolean {
  const [binary, key] = [fileOf(kernel, "wasm"), fileOf(kernel, "key")];
  return (
    existsSync(binary) && existsSync(key) && readFileSync(key, "utf8").trim() === keyOf(kernel)
  );
}

/** Everything that the binary depends on: source, settings, compiler. */
function keyOf(kernel: string): string {
  const manifest = path.join(root, "node_modules/assemblyscript/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const source = readFileSync(fileOf(kernel, "ts"));
  return createHash("sha256")
    .update([version, ...options].join(" "))
    .update(source)
    .digest("hex");
}

async function check(kernel: string): Promise<void> {
  const isSame =
    existsSync(fileOf(kernel, "wasm")) &&
    readFileSync(fileOf(kernel, "wasm")).equals(await compile(kernel));
  if (isSame && isUpToDate(kernel)) return;
  process.stderr.write(
    `wasm/${kernel}.wasm is not what wasm/${kernel}.ts compiles to: node wasm/build.ts, and commit it\n`,
  );
  process.exitCode = 1;
}

/** The key is written last and both by renaming: a build that is cut off is not taken for one. */
async function build(kernel: string): Promise<void> {
  const started = performance.now();
  const binary = await compile(kernel);
  replace(fileOf(kernel, "wasm"), binary);
  replace(fileOf(kernel, "key"), `${keyOf(kernel)}\n`);
  const took = Math.round(performance.now() - started);
  process.stderr.write(`built wasm/${kernel}.wasm (${binary.length} bytes, ${took} ms)\n`);
}

async function compile(kernel: string): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc"); // Seconds to load: only when there is something to do.
  const source = readFileSync(fileOf(kernel, "ts"), "utf8");
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [`${kernel}.ts`, "--outFile", `${kernel}.wasm`, ...options],
    {
      readFile: (name) => (name === `${kernel}.ts` ? source : null),
      writeFile: (_, contents) => {
        binary = typeof contents === "string" ? undefined : contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) {
    throw new Error(`cannot compile wasm/${kernel}.ts:\n${stderr}`, { cause: error });
  }
  return binary;
}

function replace(file: string, contents: Uint8Array | string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, file);
}
