import type { FeatureStore, KeptStore, PictureFeatures } from "#model/vision/kept-features.ts";
import { untilAborted } from "./until-aborted.ts";

interface Making<Value> {
  readonly result: Promise<Value>;
  readonly stop: AbortController;
  waiting: number;
}

/** Keeps features in memory; see `createKeptStore`. */
export function createFeatureStore(maxBytes: number): FeatureStore {
  return createKeptStore(maxBytes, sizeOf);
}

/**
 * Keeps values in memory, the least recently used out first. One model's: a function has no other.
 * @param maxBytes the most that all take together; what alone is larger is not kept, and 0 keeps nothing
 */
export function createKeptStore<Value>(
  maxBytes: number,
  sizeOf: (value: Value, key: string) => number,
): KeptStore<Value> {
  const kept = new Map<string, Value>(); // in the order of use
  const makings = new Map<string, Making<Value>>();
  let bytes = 0;

  function use(key: string): Value | undefined {
    const found = kept.get(key);
    if (found === undefined) return undefined;
    kept.delete(key);
    kept.set(key, found);
    return found;
  }

  function keep(key: string, value: Value): void {
    const size = sizeOf(value, key);
    // Made twice: given up by all who waited, it ended all the same.
    if (size > maxBytes || kept.has(key)) return;
    for (const [oldest, dropped] of kept) {
      if (bytes + size <= maxBytes) break;
      kept.delete(oldest);
      bytes -= sizeOf(dropped, oldest);
    }
    kept.set(key, value);
    bytes += size;
  }

  function begin(key: string, make: (signal: AbortSignal) => Promise<Value>): Making<Value> {
    const stop = new AbortController();
    const result = make(stop.signal)
      .then((value) => {
        keep(key, value);
        return value;
      })
      .finally(() => {
        if (makings.get(key) === making) makings.delete(key);
      });
    result.catch(() => undefined); // each of those who wait is told
    const making: Making<Value> = { result, stop, waiting: 0 };
    makings.set(key, making);
    return making;
  }

  function forget(beginning: string): void {
    for (const [key, value] of kept) {
      if (!key.startsWith(beginning)) continue;
      kept.delete(key);
      bytes -= sizeOf(value, key);
    }
  }

  return {
    find: use,
    forget,
    async make(key, make, signal) {
      signal.throwIfAborted();
      const found = use(key);
      if (found !== undefined) return found;
      const making = makings.get(key) ?? begin(key, make);
      making.waiting += 1;
      try {
        return await untilAborted(making.result, signal);
      } finally {
        making.waiting -= 1;
        if (making.waiting === 0 && signal.aborted) {
          // Who comes now begins anew: what is being given up must not fail them.
          if (makings.get(key) === making) makings.delete(key);
          making.stop.abort(signal.reason);
        }
      }
    },
  };
}

/** A view would keep all of its buffer. */
function sizeOf({ vectors }: PictureFeatures): number {
  return vectors.data.buffer.byteLength;
}
