import type { Blob } from "#domain/bundle.ts";
import { sha256Hex } from "../digest.ts";
import { blobKey } from "../manifest.ts";
import type { ObjectStore } from "../object-store.ts";
import { DEFAULT_RETRY_POLICY, type RetryOptions } from "../retries.ts";
import { collect } from "../source.ts";
import { findObject, resumingStream } from "../transfer.ts";

/**
 * Says whether a store has a blob with its content. What has the right size is read back and hashed: a damaged blob that
 * passed for kept could never be mended by writing the bundle again.
 */
export async function holdsBlob(
  store: ObjectStore,
  blob: Blob,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await readBack(store, blobKey(blob), blob, signal)) !== undefined;
}

/** Returns an object's bytes if they are those of the blob; undefined for others, or none. */
export async function readBack(
  store: ObjectStore,
  key: string,
  blob: Blob,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const options = patiently(signal);
  const head = await findObject(store, key, options);
  if (head?.bytes !== blob.bytes) return undefined;
  const stored = await collect(resumingStream(store, key, 0, blob.bytes, options), blob.bytes);
  return (await sha256Hex(stored)) === blob.sha256 ? stored : undefined;
}

/** Stores a blob's bytes under their hash, by multipart where they are many. */
export async function putBlob(
  store: ObjectStore,
  blob: Blob,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  await putWhole(store, blobKey(blob), bytes, signal);
}

/** Stores bytes under a key, by multipart where they are many. */
export async function putWhole(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  if (bytes.byteLength > PART_BYTES) await store.putStream(key, slices(bytes), signal);
  else await store.put(key, bytes, signal);
}

/** Pieces handed to a multipart upload: half a shard's time is not lost when one of them fails. */
const PART_BYTES: number = 8 * 1024 * 1024;

async function* slices(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += PART_BYTES) {
    yield bytes.subarray(offset, offset + PART_BYTES);
  }
}

/** How a bundle's own store is asked. */
export function patiently(signal: AbortSignal | undefined): RetryOptions {
  return { policy: DEFAULT_RETRY_POLICY, ...(signal === undefined ? {} : { signal }) };
}
