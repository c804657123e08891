import type { Blob } from "#domain/bundle.ts";
import { publish, type StoredBundle } from "./bundle-writer.ts";
import { blobKey } from "./manifest.ts";
import type { ObjectStore, ReadableStore } from "./object-store.ts";
import { type Progress, rateMeter } from "./progress.ts";
import { readBlob, readManifest } from "./read-bundle.ts";
import { holdsBlob, putBlob } from "./writing/blobs.ts";

export interface CopyOptions {
  readonly name: string;
  /** Absent: the version that the source's `latest.json` names. */
  readonly version?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopyProgress extends Progress {
  /** Bytes that were there already. */
  readonly keptBytes: number;
}

/**
 * Copies a bundle from one store to another, for instance the demo model from the repository's folder into S3. Every blob is
 * verified on the way; what is there with its right content is skipped; manifest and then `latest.json` come last.
 * One shard is in memory at a time. Throws WeightsError as reading and writing do.
 */
export async function copyBundle(
  from: ReadableStore,
  to: ObjectStore,
  options: CopyOptions,
): Promise<StoredBundle> {
  const { name, version, signal, onProgress } = options;
  const reading = signal === undefined ? {} : { signal };
  const { bundle } = await readManifest(from, name, version, reading);
  const blobs = distinct([
    ...bundle.stages.flatMap(({ shards }) => shards),
    ...Object.values(bundle.files),
  ]);
  const meter = rateMeter(blobs.reduce((total, { bytes }) => total + bytes, 0));
  let doneBytes = 0;
  let keptBytes = 0;
  for (const blob of blobs) {
    signal?.throwIfAborted();
    if (await holdsBlob(to, blob, signal)) keptBytes += blob.bytes;
    else await putBlob(to, blob, await readBlob(from, blob, reading), signal);
    doneBytes += blob.bytes;
    onProgress?.({ ...meter(doneBytes, keptBytes), keptBytes });
  }
  return publish(to, bundle, signal);
}

function distinct(blobs: readonly Blob[]): Blob[] {
  return [...new Map(blobs.map((blob) => [blobKey(blob), blob])).values()];
}
