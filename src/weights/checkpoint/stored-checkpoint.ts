import type { ObjectHead, ReadableStore } from "../object-store.ts";
import {
  DEFAULT_RETRY_POLICY,
  firstContact,
  type RetryOptions,
  type RetryPolicy,
  withRetries,
} from "../retries.ts";
import { type ByteSource, checkRange, collect } from "../source.ts";
import { findObject, resumingStream } from "../transfer.ts";
import type { WeightsError } from "../weights-error.ts";
import type { CheckpointFolder } from "./checkpoint.ts";

/** How a checkpoint's files are fetched. */
export interface FetchingOptions {
  readonly policy?: RetryPolicy;
  /** A request failed and another one follows. */
  readonly onRetry?: (error: WeightsError, waitMs: number) => void;
}

/**
 * Sees a store (a folder, a bucket under a prefix) as a checkpoint folder. Every request is tried again where that may help,
 * from the first on, and broken transfers are resumed. A file that is replaced
 * after it was opened throws WeightsError `object_changed` when it is read, where the store knows ETags.
 */
export function storedCheckpoint(
  store: ReadableStore,
  { policy = DEFAULT_RETRY_POLICY, onRetry }: FetchingOptions = {},
): CheckpointFolder {
  let hasReplied = false;
  const patiently = (signal: AbortSignal | undefined): RetryOptions => ({
    policy: hasReplied ? policy : firstContact(policy),
    ...(onRetry === undefined ? {} : { onRetry }),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    address: store.address,
    list: (signal) =>
      withRetries(patiently(signal), async () => {
        const names = await Array.fromAsync(store.list("", signal));
        hasReplied = true;
        return names.filter((name) => !name.includes("/"));
      }),
    async open(name, signal) {
      const head = await findObject(store, name, patiently(signal));
      hasReplied = true;
      return head && objectSource(store, name, head, patiently);
    },
  };
}

function objectSource(
  store: ReadableStore,
  key: string,
  { bytes: byteLength, etag }: ObjectHead,
  patiently: (signal: AbortSignal | undefined) => RetryOptions,
): ByteSource {
  const isKnown = etag !== ""; // a plain web server may have neither ETag nor time
  const stream = (
    offset: number,
    bytes: number,
    signal?: AbortSignal,
  ): AsyncIterable<Uint8Array> => {
    checkRange(byteLength, offset, bytes);
    return resumingStream(store, key, offset, bytes, {
      ...patiently(signal),
      ...(isKnown ? { ifMatch: etag } : {}),
    });
  };
  return {
    byteLength,
    ...(isKnown ? { revision: etag } : {}),
    stream,
    slice: async (offset, bytes, signal) => collect(stream(offset, bytes, signal), bytes),
  };
}
