import type { KeyRecord, KeyStore } from "./key-store.ts";

/**
 * How old a record may be that a request is let in with. What was promised is 60 s from revoking to refusing
 * everywhere; half of it is left for a slow read and for clocks.
 */
export const KEY_CACHE_MS = 30_000;

/** Threat: a flood of invented ids that fills the isolate. 4,096 records are about 4 MB. */
const MAX_RECORDS = 4096;

/** Remembers looked-up keys for `KEY_CACHE_MS`, unknown ids too: one read of D1 per key, isolate and half minute. */
export class KeyCache {
  /** In the order in which they were read. */
  readonly #records = new Map<string, { record: KeyRecord | undefined; readAt: number }>();

  /** A store that asks `store` for what is not remembered. `now` in milliseconds since 1970. */
  over(store: KeyStore, now: () => number): KeyStore {
    return { find: async (id, maxAgeMs) => await this.#find(id, maxAgeMs, store, now) };
  }

  /** Forgets a record that was just changed here. Other isolates learn of it within `KEY_CACHE_MS`. */
  forget(id: string): void {
    this.#records.delete(id);
  }

  /** Forgets all that was looked up: the table is another one. Other isolates learn of it within `KEY_CACHE_MS`. */
  forgetAll(): void {
    this.#records.clear();
  }

  /** Notes in a remembered record that its key was used: the table is told by who asks. */
  used(id: string, now: number): void {
    const known = this.#records.get(id);
    if (known?.record !== undefined) known.record = { ...known.record, lastUsedAt: now };
  }

  async #find(
    id: string,
    maxAgeMs: number | undefined,
    store: KeyStore,
    now: () => number,
  ): Promise<KeyRecord | undefined> {
    const known = this.#records.get(id);
    const isYoung =
      known !== undefined && Math.abs(now() - known.readAt) < (maxAgeMs ?? KEY_CACHE_MS);
    if (isYoung) return known.record;
    // Counted from before the read: what is changed while it is under way may already be missing from it.
    const readAt = now();
    const record = await store.find(id);
    this.#records.delete(id);
    this.#records.set(id, { record, readAt });
    const [oldest] = this.#records.keys();
    if (this.#records.size > MAX_RECORDS && oldest !== undefined) this.#records.delete(oldest);
    return record;
  }
}

/** The isolate's own. */
export const keyCache: KeyCache = new KeyCache();
