import { randomUUID } from "node:crypto";
import { access, mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { readImageHeader } from "#domain/image/header.ts";
import { RowFault } from "./test-question.ts";

/** Threat: an address that sends for ever. The largest pictures of published benchmarks have twenty megabytes. */
const MAX_PICTURE_BYTES: number = 64 * 1024 * 1024;

/** Longer than a slow host takes for the largest picture, shorter than a person waits for a hundred hosts that are gone. */
const FETCH_TIMEOUT_MS = 60_000;

/** Fetches the picture of an address into a file, unless it is there already. Throws RowFault where it cannot be had. */
export async function keepPicture(
  address: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  if (await isThere(file)) return;
  const bytes = await fetched(address, signal);
  const header = readImageHeader(bytes);
  if (!header.ok)
    throw new RowFault(`what is at ${shortened(address)} is no picture (${header.refusal})`);
  await mkdir(path.dirname(file), { recursive: true });
  // Whole or not at all: whoever looks at the same time sees no half of a picture.
  const half = `${file}.${randomUUID()}`;
  await writeFile(half, bytes);
  await rename(half, file);
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

async function fetched(address: string, signal: AbortSignal): Promise<Uint8Array> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
  try {
    const reply = await fetch(address, { signal: limit });
    if (!reply.ok)
      throw new RowFault(`${shortened(address)} is answered with status ${reply.status}`);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of reply.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > MAX_PICTURE_BYTES)
        throw new RowFault(
          `what is at ${shortened(address)} has more than ${MAX_PICTURE_BYTES} bytes`,
        );
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof RowFault) throw cause;
    throw new RowFault(`${shortened(address)} cannot be fetched`, { cause });
  }
}

function shortened(address: string): string {
  return `the picture ${address.slice(0, 80)}`;
}
