import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
} from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { pipeline } from "node:stream/promises";

/** Compressed Node and ONNX Runtime are kept here: they change with their versions only, and take half a minute. */
const kept: string = path.join(
  process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"),
  "unmask/gpu-check",
);

/** The same bytes whenever the same files are packed. */
const SAME_EACH_TIME = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];

/** Throws an Error that names the tools that are missing here. */
export function checkTools(): void {
  const missing = ["tar", "xz"].filter((tool) => {
    try {
      execFileSync(tool, ["--version"], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0) throw new Error(`packing needs ${missing.join(" and ")}`);
}

/** Packs a folder with xz. `level` 1 is quick, 6 small. */
export async function packFolder(folder: string, to: string, level: number): Promise<void> {
  const tar = spawn("tar", ["-C", folder, ...SAME_EACH_TIME, "-cf", "-", "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const xz = spawn("xz", [`-${level}`, "--threads=0"], { stdio: ["pipe", "pipe", "inherit"] });
  const ends = [tar, xz].map(
    (child) => new Promise<number | null>((resolve) => child.once("close", resolve)),
  );
  await Promise.all([pipeline(tar.stdout, xz.stdin), pipeline(xz.stdout, createWriteStream(to))]);
  const codes = await Promise.all(ends);
  if (codes.some((code) => code !== 0)) throw new Error(`packing ${folder} failed (see above)`);
}

/** As `packFolder`, once for each content. */
export async function packFolderOnce(
  folder: string,
  files: readonly string[],
  to: string,
  level: number,
): Promise<void> {
  const hash = createHash("sha256").update(`xz ${level}`);
  for (const file of files) hash.update(`${file} ${await sha256Of(path.join(folder, file))}`);
  const own = path.join(kept, `${hash.digest("hex")}.tar.xz`);
  if (!existsSync(own)) {
    mkdirSync(kept, { recursive: true });
    const partial = `${own}.${process.pid}`;
    await packFolder(folder, partial, level);
    renameSync(partial, own);
  }
  copyFileSync(own, to);
}

/** Lower-case hex. */
export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
