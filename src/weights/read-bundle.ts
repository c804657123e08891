import type { Blob } from "#domain/bundle.ts";
import type { StoredBundle } from "./bundle-writer.ts";
import { sha256Hex } from "./digest.ts";
import { MAX_FILE_BYTES, MAX_MANIFEST_BYTES } from "./limits.ts";
import {
  blobKey,
  type Latest,
  latestKey,
  manifestKey,
  parseLatest,
  parseManifest,
} from "./manifest.ts";
import type { ReadableStore } from "./object-store.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retries.ts";
import { readObject } from "./transfer.ts";
import { WeightsError } from "./weights-error.ts";

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly policy?: RetryPolicy;
}

/**
 * Reads and checks a model's manifest: the version that is named, or the one that `latest.json` names, whose digest must then
 * agree. Throws WeightsError `not_found` or `manifest_invalid`, or what the store says.
 */
export async function readManifest(
  store: ReadableStore,
  name: string,
  version?: string,
  options: ReadOptions = {},
): Promise<StoredBundle> {
  const latest = version === undefined ? await readLatest(store, name, options) : undefined;
  const key = manifestKey(name, version ?? latest?.version ?? "");
  const address = `${store.address}/${key}`;
  const bytes = await readObject(store, key, MAX_MANIFEST_BYTES, withPolicy(options));
  const digest = await sha256Hex(bytes);
  if (latest !== undefined && latest.digest !== digest) {
    throw new WeightsError(
      "manifest_invalid",
      `${address} has digest ${digest}, latest.json promises ${latest.digest}`,
    );
  }
  const bundle = parseManifest(bytes, address);
  if (bundle.name !== name || bundle.version !== (version ?? latest?.version)) {
    throw new WeightsError(
      "manifest_invalid",
      `${address} is that of ${bundle.name} ${bundle.version}`,
    );
  }
  return { bundle, digest };
}

/** Reads which version of a model is the current one. Throws WeightsError `not_found` if the store does not know the model. */
export async function readLatest(
  store: ReadableStore,
  name: string,
  options: ReadOptions = {},
): Promise<Latest> {
  const key = latestKey(name);
  const bytes = await readObject(store, key, MAX_MANIFEST_BYTES, withPolicy(options));
  return parseLatest(bytes, `${store.address}/${key}`);
}

/** Reads and verifies a file of a bundle, such as its tokenizer.json. Throws WeightsError `shard_corrupt` if it is wrong twice. */
export async function readBlob(
  store: ReadableStore,
  blob: Blob,
  options: ReadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const key = blobKey(blob);
  for (let tries = 0; tries < 2; tries++) {
    const bytes = await readObject(store, key, MAX_FILE_BYTES, withPolicy(options));
    if (bytes.byteLength === blob.bytes && (await sha256Hex(bytes)) === blob.sha256) return bytes;
  }
  throw new WeightsError("shard_corrupt", `${key} of ${store.address} does not have its content`);
}

function withPolicy({ policy = DEFAULT_RETRY_POLICY, signal }: ReadOptions): {
  policy: RetryPolicy;
  signal?: AbortSignal;
} {
  return signal === undefined ? { policy } : { policy, signal };
}
