import type { ReadableStore } from "./object-store.ts";
import type { Slots } from "./slots.ts";
import { collect } from "./source.ts";
import { resumingStream, type TransferOptions } from "./transfer.ts";

/** How a range is read over several connections. */
export interface Lanes {
  /** Connections of all ranges that are read at once. */
  readonly slots: Slots;
  /** Parts that are under way or wait to be taken, of one range. */
  readonly partsAhead: number;
  /** Size of a part. */
  readonly partBytes: number;
}

/**
 * What one connection carries at a time: long enough to hide the way to a storage and back (100 ms at 80 MB/s), short enough that a
 * broken one costs little. Eight parts ahead are 64 MiB of memory.
 */
export const PART_BYTES: number = 8 * 1024 * 1024;

/**
 * Reads bytes [offset, offset + bytes) of an object in order, its parts side by side; each is resumed by itself where it breaks.
 * Begins at once, not when it is first read from. A chunk is the reader's to keep. Leaving the loop lets go of what is under way.
 * Throws as `resumingStream` does, the first part's fault.
 */
export function parallelStream(
  store: ReadableStore,
  key: string,
  { offset, bytes }: { readonly offset: number; readonly bytes: number },
  { slots, partsAhead, partBytes }: Lanes,
  options: TransferOptions,
): AsyncIterableIterator<Uint8Array> {
  const left = new AbortController();
  const signal =
    options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const end = offset + bytes;
  const parts: Promise<Uint8Array>[] = [];
  let next = offset;
  const fetchPart = async (at: number, size: number): Promise<Uint8Array> => {
    await slots.take();
    try {
      signal.throwIfAborted();
      return await collect(resumingStream(store, key, at, size, { ...options, signal }), size);
    } finally {
      slots.give();
    }
  };
  const begin = (): void => {
    while (parts.length < partsAhead && next < end) {
      const size = Math.min(partBytes, end - next);
      const part = fetchPart(next, size);
      part.catch(() => undefined); // heard when its turn comes, or never, if nobody asks any more
      parts.push(part);
      next += size;
    }
  };
  begin();
  const leave = (): void => left.abort(new Error("the reader has left"));
  return {
    async next() {
      const part = parts.shift();
      if (part === undefined) return { done: true, value: undefined };
      try {
        const value = await part;
        begin();
        return { done: false, value };
      } catch (error) {
        leave(); // of the other parts nobody will ask
        throw error;
      }
    },
    async return() {
      leave();
      parts.length = 0;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
