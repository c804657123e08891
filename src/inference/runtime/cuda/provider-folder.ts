import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";

/** ONNX Runtime's version whose provider files fit: the bridge between the two is no stable interface, so it is this one alone. */
export const CUDA_RUNTIME_VERSION = "1.30.0";

/** The runtime itself: in the provider's folder, since it looks for its providers beside itself. */
export const RUNTIME_FILE = "libonnxruntime.so.1";

/** What the provider is: `RUNTIME_FILE` opens the second, and the second the first. */
export const PROVIDER_FILES = [
  "libonnxruntime_providers_shared.so",
  "libonnxruntime_providers_cuda.so",
] as const;

/** Libraries of CUDA 13 that the provider is built on, each after those that it needs itself. Source: its NEEDED entries. */
export const CUDA_LIBRARIES = [
  "libcudart.so.13",
  "libcublasLt.so.13",
  "libcublas.so.13",
  "libcurand.so.10",
] as const;

/** The list of a provider's folder, written last: a folder without it is none. */
export const RECORD_FILE = "provider.json";

/** The record names at most a dozen files: 64 KiB hold it a hundred times over. Against a folder that somebody else has filled. */
const MAX_RECORD_BYTES = 64 * 1024;

const recordSchema = z.strictObject({
  /** Of this list's form. */
  version: z.literal(1),
  onnxruntime: z.string().max(64),
  files: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/),
        bytes: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .max(64),
});

/** What lies in a provider's folder. */
export interface ProviderRecord {
  readonly version: 1;
  readonly onnxruntime: string;
  readonly files: readonly ProviderFile[];
}

export interface ProviderFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where the provider's files lie unless the settings say otherwise: one folder for each version. */
export function defaultCudaFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home = env["XDG_DATA_HOME"] || path.join(env["HOME"] ?? ".", ".local", "share");
  return path.join(home, "unmask", `cuda-${CUDA_RUNTIME_VERSION}`);
}

const REINSTALL =
  "Install them: npm run unmask -- provider cuda install --index URL (any package index that has onnxruntime-gpu)";

/**
 * Reads a provider's folder and checks every file in it against its list, byte for byte: a library that is not the one that was
 * tried would run inside this process. Throws ProviderUnavailableError.
 */
export async function checkProviderFolder(folder: string): Promise<ProviderRecord> {
  const record = await readRecord(folder);
  if (record.onnxruntime !== CUDA_RUNTIME_VERSION) {
    throw wrong(
      `the files in ${folder} are of ONNX Runtime ${record.onnxruntime}, this is ${CUDA_RUNTIME_VERSION}`,
    );
  }
  const names = new Set(record.files.map(({ name }) => name));
  const lacking = [RUNTIME_FILE, ...PROVIDER_FILES].filter((name) => !names.has(name));
  if (lacking.length > 0) throw wrong(`the list of ${folder} lacks ${lacking.join(", ")}`);
  await Promise.all(record.files.map((file) => checkFile(folder, file)));
  return record;
}

async function readRecord(folder: string): Promise<ProviderRecord> {
  const file = path.join(folder, RECORD_FILE);
  let text: string;
  try {
    text = await readBounded(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new ProviderUnavailableError("cuda", "files_missing", {
      why: `its files are not in ${folder}`,
      next: REINSTALL,
      cause,
    });
  }
  const parsed = recordSchema.safeParse(jsonOrNothing(text));
  if (!parsed.success) throw wrong(`${file} is not a list of a provider's files`, parsed.error);
  return parsed.data;
}

async function readBounded(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > MAX_RECORD_BYTES) throw wrong(`${file} has ${size} bytes, which is no such list`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function checkFile(folder: string, { name, bytes, sha256 }: ProviderFile): Promise<void> {
  const file = path.join(folder, name);
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) throw wrong(`${name} is missing in ${folder}`);
  if (found.size !== bytes) throw wrong(`${name} has ${found.size} bytes, installed were ${bytes}`);
  if ((await sha256OfFile(file)) !== sha256)
    throw wrong(`${name} is not what was installed (sha256)`);
}

/** The SHA-256 of a file in hexadecimal: a second for the gigabyte of a provider with its libraries. */
export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest("hex");
}

function wrong(why: string, cause?: unknown): ProviderUnavailableError {
  return new ProviderUnavailableError("cuda", "files_wrong", { why, next: REINSTALL, cause });
}
