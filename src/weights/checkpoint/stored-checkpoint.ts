import type { ObjectHead, ReadableStore } from "../object-store.ts";
import { type ByteSource, checkRange, collect } from "../source.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, resumingStream } from "../transfer.ts";
import type { CheckpointFolder } from "./checkpoint.ts";

/**
 * Sees a store (a folder, a bucket under a prefix) as a checkpoint folder. Broken transfers are resumed. A file that is replaced
 * after it was opened throws WeightsError `object_changed` when it is read, where the store knows ETags.
 */
export function storedCheckpoint(
  store: ReadableStore,
  policy: RetryPolicy = DEFAULT_RETRY_POLICY,
): CheckpointFolder {
  return {
    address: store.address,
    async list(signal) {
      const names: string[] = [];
      for await (const key of store.list("", signal)) if (!key.includes("/")) names.push(key);
      return names;
    },
    async open(name, signal) {
      const head = await store.head(name, signal);
      return head && objectSource(store, name, head, policy);
    },
  };
}

function objectSource(
  store: ReadableStore,
  key: string,
  { bytes: byteLength, etag }: ObjectHead,
  policy: RetryPolicy,
): ByteSource {
  const isKnown = etag !== ""; // a plain web server may have neither ETag nor time
  const stream = (
    offset: number,
    bytes: number,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array> => {
    checkRange(byteLength, offset, bytes);
    return resumingStream(store, key, offset, bytes, {
      policy,
      ...(isKnown ? { ifMatch: etag } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  };
  return {
    byteLength,
    ...(isKnown ? { revision: etag } : {}),
    stream,
    slice: async (offset, bytes, signal) => collect(stream(offset, bytes, signal), bytes),
  };
}
