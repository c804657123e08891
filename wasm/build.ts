// Builds the wasm kernels into wasm/build/: node wasm/build.ts. Does nothing where they are up to date, which takes
// a few milliseconds, so that it can run before every start and every test.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";

const kernels = ["resize"];

const folder = import.meta.dirname;
const root = path.dirname(folder);
const output = path.join(folder, "build");

/** Release settings. `stub`: no allocator and no collector, the kernels work in memory that the caller lays out. */
const options = ["--optimizeLevel", "3", "--enable", "simd", "--runtime", "stub", "--noAssert"];

for (const kernel of kernels) {
  const key = keyOf(kernel);
  const keyFile = path.join(output, `${kernel}.key`);
  const isBuilt = existsSync(keyFile) && existsSync(path.join(output, `${kernel}.wasm`));
  if (!isBuilt || readFileSync(keyFile, "utf8") !== key) await build(kernel, key);
}

/** Everything that the binary depends on: source, settings, compiler. */
function keyOf(kernel: string): string {
  const compiler = path.join(root, "node_modules/assemblyscript/package.json");
  const hash = createHash("sha256");
  for (const file of [path.join(folder, `${kernel}.ts`), import.meta.filename, compiler]) {
    hash.update(createHash("sha256").update(readFileSync(file)).digest());
  }
  return hash.digest("hex");
}

/** Compiles one kernel. The key is written last and both by renaming: a build that is cut off is not taken for one. */
async function build(kernel: string, key: string): Promise<void> {
  const started = performance.now();
  const { default: asc } = await import("assemblyscript/asc"); // Seconds to load: only when there is something to do.
  const source = readFileSync(path.join(folder, `${kernel}.ts`), "utf8");
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
  mkdirSync(output, { recursive: true });
  replace(path.join(output, `${kernel}.wasm`), binary);
  replace(path.join(output, `${kernel}.key`), key);
  const took = Math.round(performance.now() - started);
  process.stderr.write(`built wasm/build/${kernel}.wasm (${binary.length} bytes, ${took} ms)\n`);
}

function replace(file: string, contents: Uint8Array | string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, contents);
  renameSync(draft, file);
}
