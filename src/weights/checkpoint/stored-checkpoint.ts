import type { ObjectHead, ReadableStore } from "../object-store.ts";
import { type Lanes, PART_BYTES, parallelStream } from "../parallel-stream.ts";
import {
  DEFAULT_RETRY_POLICY,
  firstContact,
  type RetryOptions,
  type RetryPolicy,
  withRetries,
} from "../retries.ts";
import { createSlots } from "../slots.ts";
import { type ByteSource, checkRange, collect } from "../source.ts";
import { findObject, resumingStream } from "../transfer.ts";
import type { WeightsError } from "../weights-error.ts";
import type { CheckpointFolder } from "./checkpoint.ts";

/** How a checkpoint's files are fetched. */
export interface FetchingOptions {
  readonly policy?: RetryPolicy;
  /** A request failed and another one follows. */
  readonly onRetry?: (error: WeightsError, waitMs: number) => void;
  /** Connections at once, for a store that is far; 1 if absent: a disk gains nothing by more. */
  readonly connections?: number;
  /** What each of them reads at a time; `PART_BYTES` unless a test wants many parts. */
  readonly partBytes?: number;
}

/**
 * Sees a store (a folder, a bucket under a prefix) as a checkpoint folder. Every request is tried again where that may help,
 * from the first on, and broken transfers are resumed. A file that is replaced
 * after it was opened throws WeightsError `object_changed` when it is read, where the store knows ETags.
 */
export function storedCheckpoint(
  store: ReadableStore,
  {
    policy = DEFAULT_RETRY_POLICY,
    onRetry,
    connections = 1,
    partBytes = PART_BYTES,
  }: FetchingOptions = {},
): CheckpointFolder {
  let hasReplied = false;
  const lanes =
    connections === 1
      ? undefined
      : { slots: createSlots(connections), partsAhead: connections, partBytes };
  const announced: Announced = {};
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
      return head && objectSource(store, name, head, { patiently, lanes, announced });
    },
  };
}

/** The one range of all files that was announced; another announcement lets go of it. */
interface Announced {
  range?:
    | { readonly place: string; readonly chunks: AsyncIterableIterator<Uint8Array> }
    | undefined;
}

interface Fetching {
  readonly patiently: (signal: AbortSignal | undefined) => RetryOptions;
  readonly lanes: Lanes | undefined;
  readonly announced: Announced;
}

function objectSource(
  store: ReadableStore,
  key: string,
  { bytes: byteLength, etag }: ObjectHead,
  { patiently, lanes, announced }: Fetching,
): ByteSource {
  const isKnown = etag !== ""; // a plain web server may have neither ETag nor time
  const open = (
    offset: number,
    bytes: number,
    signal: AbortSignal | undefined,
  ): AsyncIterableIterator<Uint8Array> => {
    checkRange(byteLength, offset, bytes);
    const options = { ...patiently(signal), ...(isKnown ? { ifMatch: etag } : {}) };
    return lanes === undefined
      ? resumingStream(store, key, offset, bytes, options)
      : parallelStream(store, key, { offset, bytes }, lanes, options);
  };
  const placeOf = (offset: number, bytes: number): string => `${key} ${offset}+${bytes}`;
  const stream: ByteSource["stream"] = (offset, bytes, signal) => {
    const { range } = announced;
    if (range?.place !== placeOf(offset, bytes)) return open(offset, bytes, signal);
    announced.range = undefined;
    return range.chunks;
  };
  return {
    byteLength,
    ...(isKnown ? { revision: etag } : {}),
    stream,
    ...(lanes === undefined
      ? {}
      : {
          announce(offset, bytes, signal) {
            void announced.range?.chunks.return?.();
            announced.range = {
              place: placeOf(offset, bytes),
              chunks: open(offset, bytes, signal),
            };
          },
        }),
    slice: async (offset, bytes, signal) => collect(stream(offset, bytes, signal), bytes),
  };
}
