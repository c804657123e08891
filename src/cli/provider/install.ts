import { copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { ProviderUnavailableError } from "#engine/runtime/provider-unavailable.ts";
import {
  checkProviderFolder,
  type ProviderFile,
  RECORD_FILE,
  RUNTIME_FILE,
  sha256OfFile,
} from "#inference/runtime/cuda/provider-folder.ts";
import { rateMeter } from "#weights/progress.ts";
import type { RetryPolicy } from "#weights/retries.ts";
import { type Reporter, retryTeller } from "../convert/report.ts";
import { takeLock } from "../models/lock.ts";
import type { Machine } from "../models/machine.ts";
import { gigabytes } from "../models/needs.ts";
import { fetchWheel } from "./download.ts";
import { findWheel, type PackageIndex } from "./package-index.ts";
import type { PinnedFile, PinnedWheel } from "./pinned-files.ts";
import { ProviderFault } from "./provider-fault.ts";
import { unpackWheel } from "./wheel.ts";

export interface InstallOptions {
  /** Where the provider is to lie. */
  readonly folder: string;
  readonly wheels: readonly PinnedWheel[];
  /** Absent: only wheels from the disk are taken. */
  readonly index?: PackageIndex;
  /** Wheels on the disk, taken where their names fit. */
  readonly local: readonly string[];
  /** The runtime that npm has brought. */
  readonly runtime: { readonly library: string; readonly version: string };
  readonly machine: Pick<Machine, "freeBytes">;
  readonly policy: RetryPolicy;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface Installed {
  readonly kind: "installed" | "was there";
  readonly files: readonly ProviderFile[];
}

/**
 * Puts the provider's files into their folder: fetched, unpacked and checked beside it, then moved to its place as a whole. What a try
 * that was broken off has fetched is used; two at a time are refused. Throws ProviderFault, or WeightsError of a transfer.
 */
export async function installProvider(options: InstallOptions): Promise<Installed> {
  const { folder, wheels, runtime } = options;
  const there = await installedFiles(folder, wheels);
  if (there !== undefined) return { kind: "was there", files: there };
  const draft = `${folder}.partial`;
  await mkdir(draft, { recursive: true });
  const lock = takeLock(`${folder}.lock`, 0);
  if (lock === undefined) {
    throw new ProviderFault(
      `another installation writes to ${folder}`,
      "Wait for it, or name another folder (--to).",
      { isRetryable: true },
    );
  }
  try {
    await requireRoom(options, draft);
    const files: ProviderFile[] = [];
    for (const wheel of wheels) files.push(...(await provide(options, wheel, draft)));
    files.push(await copyRuntime(runtime.library, draft));
    const record = { version: 1, onnxruntime: runtime.version, files };
    await writeFile(path.join(draft, RECORD_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
    return { kind: "installed", files };
  } finally {
    lock.close();
  }
}

/** The folder's files, if they are all of what is wanted and as they should be. */
async function installedFiles(
  folder: string,
  wheels: readonly PinnedWheel[],
): Promise<readonly ProviderFile[] | undefined> {
  try {
    const { files } = await checkProviderFolder(folder);
    const has = ({ name, sha256 }: PinnedFile): boolean =>
      files.some((file) => file.name === name && file.sha256 === sha256);
    return wheels.flatMap((wheel) => wheel.files).every(has) ? files : undefined;
  } catch (error) {
    if (error instanceof ProviderUnavailableError) return undefined;
    throw error;
  }
}

/** What is to be unpacked, and the largest wheel beside it: a wheel is smaller than what is in it. */
async function requireRoom(
  { wheels, machine, folder }: InstallOptions,
  draft: string,
): Promise<void> {
  const sizes = await Promise.all(
    wheels
      .flatMap(({ files }) => files)
      .map(async ({ name, bytes }) => {
        const found = await stat(path.join(draft, name)).catch(() => undefined);
        return found?.size === bytes ? 0 : bytes;
      }),
  );
  const needed = sizes.reduce((sum, size) => sum + size, 0) + Math.max(0, ...sizes);
  const free = await machine.freeBytes(draft);
  if (needed <= free) return;
  throw new ProviderFault(
    `the provider needs ${gigabytes(needed)} of disk in ${path.dirname(folder)} while it is installed; ${gigabytes(free)} are free`,
    "Make room, or name another folder (--to).",
  );
}

/** Makes a wheel's files be in the draft. */
async function provide(
  options: InstallOptions,
  wheel: PinnedWheel,
  draft: string,
): Promise<readonly ProviderFile[]> {
  const { reporter, signal } = options;
  const files = wheel.files.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 }));
  if (await areThere(draft, wheel.files)) return files;
  const prefix = `${wheel.project.replaceAll("-", "_")}-${wheel.version}-`;
  const own = options.local.find((file) => path.basename(file).startsWith(prefix));
  if (own !== undefined) {
    reporter.says(`${wheel.project} ${wheel.version}: unpacking ${own}`);
    await unpackWheel(own, wheel.files, draft, signal);
    return files;
  }
  const fetched = path.join(draft, `${prefix}wheel`);
  if ((await stat(fetched).catch(() => undefined)) === undefined) {
    await download(options, wheel, fetched);
  }
  reporter.says(`${wheel.project} ${wheel.version}: unpacking`);
  try {
    await unpackWheel(fetched, wheel.files, draft, signal);
  } finally {
    // A wheel that is not what it should be must not be taken for fetched the next time.
    if (!signal.aborted) await rm(fetched, { force: true });
  }
  return files;
}

async function download(
  { index, policy, reporter, signal }: InstallOptions,
  wheel: PinnedWheel,
  to: string,
): Promise<void> {
  if (index === undefined) {
    throw new ProviderFault(
      `the wheel of ${wheel.project} ${wheel.version} was not given, and no index to fetch it from`,
      "Name a package index (--index URL, or PIP_INDEX_URL), or the wheel (--from).",
    );
  }
  const found = await findWheel(index, wheel, { signal, policy });
  let meter: ReturnType<typeof rateMeter> | undefined;
  let kept = 0;
  const onBytes = (done: number, total: number): void => {
    if (meter === undefined) kept = done;
    meter ??= rateMeter(total);
    reporter.progress(meter(done, kept), wheel.project);
  };
  const onRetry = retryTeller((text) => reporter.says(text));
  await fetchWheel(found, index, to, { policy, signal, onBytes, onRetry });
}

async function areThere(draft: string, files: readonly PinnedFile[]): Promise<boolean> {
  for (const { name, bytes, sha256 } of files) {
    const file = path.join(draft, name);
    const found = await stat(file).catch(() => undefined);
    if (found?.size !== bytes || (await sha256OfFile(file)) !== sha256) return false;
  }
  return true;
}

/** The runtime looks for its providers beside itself, and node_modules is npm's: so it is copied to them. */
async function copyRuntime(library: string, draft: string): Promise<ProviderFile> {
  const copy = path.join(draft, RUNTIME_FILE);
  await copyFile(library, copy);
  const { size: bytes } = await stat(copy);
  return { name: RUNTIME_FILE, bytes, sha256: await sha256OfFile(copy) };
}
