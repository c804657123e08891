import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { REFERENCE_CASES } from "../run/plan.ts";
import { swiftShaderFiles } from "../software-vulkan.ts";
import { checkTools, packFolder, packFolderOnce, sha256Of } from "./archive.ts";
import { closureOf } from "./closure.ts";
import { copyPackage, withDependencies } from "./packages.ts";

/** Where a pack came from and went to. */
export interface PackOptions {
  /** The repository, with its packages installed. */
  readonly root: string;
  readonly folder: string;
  /** Of xz; 1 is quick, 6 small. */
  readonly level: number;
  /** A folder with `swiftShaderFiles`; absent: machines without a Vulkan driver skip WebGPU. */
  readonly swiftShader?: string;
  readonly say: (words: string) => void;
}

/** What lies in a pack's folder. */
export interface Packed {
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly bytes: number;
}

/** What one call may carry to a machine is 64 MiB; CUDA's files come in pieces of their own. */
export const MAX_PACK_BYTES = 60_000_000;

const ENTRIES = ["infra/gpu-check/run/main.ts", "infra/gpu-check/measure/main.ts"];

/** Other runtimes and the network: nothing there asks for them. */
const LEFT_OUT: ReadonlySet<string> = new Set(["onnxruntime-web", "src/weights/s3.ts"]);

const FIXTURES = "test/fixtures/reference";

/**
 * Packs what the check needs on a machine that has neither Node nor a network, as three archives and a script. Throws an Error that
 * names the sizes if they are too much to carry.
 */
export async function pack(options: PackOptions): Promise<Packed> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error(
      `packs are for linux-x64 and are made there; this is ${process.platform}-${process.arch}`,
    );
  checkTools();
  const { root, folder, level, say } = options;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(path.join(tmpdir(), "unmask-pack-"));
  try {
    const parts = {
      node: path.join(work, "node"),
      runtime: path.join(work, "runtime"),
      code: path.join(work, "code"),
    };
    for (const part of Object.values(parts)) mkdirSync(part);
    say("Node …");
    copyNode(path.join(parts.node, "node"));
    await packFolderOnce(parts.node, ["node"], path.join(folder, "node.tar.xz"), level);
    copyCode(options, parts.code);
    const natives = moveNatives(parts.code, parts.runtime);
    say("ONNX Runtime …");
    await packFolderOnce(parts.runtime, natives, path.join(folder, "runtime.tar.xz"), level);
    say("code and weights …");
    await packFolder(parts.code, path.join(folder, "code.tar.xz"), level);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  copyFileSync(path.join(root, "infra/gpu-check/run.sh"), path.join(folder, "run.sh"));
  chmodSync(path.join(folder, "run.sh"), 0o755);
  const archives = ["node.tar.xz", "runtime.tar.xz", "code.tar.xz"];
  const sums = await Promise.all(
    archives.map(async (name) => `${await sha256Of(path.join(folder, name))}  ${name}\n`),
  );
  writeFileSync(path.join(folder, "SHA256SUMS"), sums.join(""));
  return weigh(folder, [...archives, "run.sh", "SHA256SUMS"]);
}

function weigh(folder: string, names: readonly string[]): Packed {
  const files = names.map((name) => ({ name, bytes: statSync(path.join(folder, name)).size }));
  const bytes = files.reduce((total, file) => total + file.bytes, 0);
  if (bytes > MAX_PACK_BYTES) {
    const list = files.map((file) => `${file.name} ${file.bytes}`).join(", ");
    throw new Error(`the pack has ${bytes} bytes, more than ${MAX_PACK_BYTES}: ${list}`);
  }
  return { files, bytes };
}

/** The Node that runs this, without its symbols where `strip` is at hand: 18 MB less. */
function copyNode(to: string): void {
  copyFileSync(process.execPath, to);
  try {
    execFileSync("strip", [to], { stdio: "ignore" });
  } catch {
    // Larger, and as good.
  }
}

function copyCode({ root, swiftShader }: PackOptions, to: string): void {
  const { files, packages } = closureOf(root, ENTRIES, LEFT_OUT);
  for (const file of files) cpSync(path.join(root, file), path.join(to, file));
  for (const name of withDependencies(root, packages)) copyPackage(root, name, to);
  const { name, version, type, imports } = JSON.parse(
    readFileSync(path.join(root, "package.json"), "utf8"),
  );
  writeFileSync(path.join(to, "package.json"), JSON.stringify({ name, version, type, imports }));
  writeFileSync(path.join(to, "commit"), commitOf(root));
  for (const part of ["tiny-a", ...REFERENCE_CASES.map((each) => path.join("cases", each))])
    cpSync(path.join(root, FIXTURES, part), path.join(to, FIXTURES, part), { recursive: true });
  if (swiftShader === undefined) return;
  const vulkan = path.join(to, "vulkan");
  mkdirSync(path.join(vulkan, "loader"), { recursive: true });
  for (const file of swiftShaderFiles) {
    const target = file === "libvulkan.so.1" ? path.join("loader", file) : file;
    copyFileSync(path.join(swiftShader, file), path.join(vulkan, target));
  }
}

/** Takes the runtime's native code out of the code, for an archive of its own. */
function moveNatives(code: string, runtime: string): readonly string[] {
  const bin = "node_modules/onnxruntime-node/bin";
  cpSync(path.join(code, bin), path.join(runtime, bin), { recursive: true });
  rmSync(path.join(code, bin), { recursive: true });
  return readdirSync(runtime, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(runtime, path.join(entry.parentPath, entry.name)))
    .toSorted();
}

function commitOf(root: string): string {
  if (!existsSync(path.join(root, ".git"))) return "no commit\n";
  const said = execFileSync("git", ["describe", "--always", "--dirty"], { cwd: root });
  return said.toString("utf8");
}
