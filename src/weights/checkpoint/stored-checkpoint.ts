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
import type { CheckpointFolder } from "./checkpoint-folder.ts";

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
  const announced: Announced = new Map();
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

/** Ranges of all files that were announced and not asked for yet. */
type Announced = Map<string, AsyncIterableIterator<Uint8Array>>;

/** The one that is about to be asked for, and the one behind it. An older one will not be asked for any more, and is let go. */
const MAX_ANNOUNCED = 2;

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
    const place = placeOf(offset, bytes);
    const ready = announced.get(place);
    announced.delete(place);
    return ready ?? open(offset, bytes, signal);
  };
  return {
    byteLength,
    ...(isKnown ? { revision: etag } : {}),
    stream,
    ...(lanes === undefined
      ? {}
      : {
          announce(offset, bytes, signal) {
            announced.set(placeOf(offset, bytes), open(offset, bytes, signal));
            for (const [place, chunks] of announced) {
              if (announced.size <= MAX_ANNOUNCED) break;
              announced.delete(place);
              void chunks.return?.();
            }
          },
        }),
    slice: async (offset, bytes, signal) => collect(stream(offset, bytes, signal), bytes),
  };
}
