import type { ObjectBody, ReadableStore } from "./object-store.ts";
import { collect } from "./source.ts";
import { isRetryable, WeightsError } from "./weights-error.ts";

/** How much trouble a transfer takes before it gives up. Time and chance are passed in so that tests can be both. */
export interface RetryPolicy {
  /** Without a single new byte for this long, across all tries, the transfer fails with its last error. */
  readonly budgetMs: number;
  /** A connection that has been silent for this long is given up and counts as one failure. */
  readonly stallMs: number;
  /** Longest wait before the second try; it doubles with each failure in a row. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Failures of one transfer in all: a server that gives one byte a try would otherwise be asked for ever. */
  readonly maxFailures: number;
  readonly random: () => number;
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * Two minutes outlast a store's restart and S3's own SlowDown phases; 30 s of silence is far beyond any pause of a healthy
 * connection (1 s, a fixed time-out elsewhere, was not).
 */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  budgetMs: 120_000,
  stallMs: 30_000,
  firstDelayMs: 200,
  maxDelayMs: 10_000,
  maxFailures: 64,
  random: () => Math.random(),
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      if (signal?.aborted) stop();
      else signal?.addEventListener("abort", stop, { once: true });
    }),
};

export interface TransferOptions {
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal;
  /** ETag that the object had when it was looked at; with another one nothing is read. */
  readonly ifMatch?: string;
  /** A connection failed and another try follows. */
  readonly onRetry?: (error: WeightsError, waitMs: number) => void;
  /** Bytes came off the network, wanted or not: what a transfer really cost. */
  readonly onReceived?: (bytes: number) => void;
}

/**
 * Reads bytes [offset, offset + bytes) of an object in order and without gaps, over as many connections as it takes: a broken
 * one is resumed at the byte where it broke. A server that ignores ranges is read past what is there already.
 *
 * Throws WeightsError: `object_changed` as soon as the ETag or size is another (what was yielded is then worthless),
 * `access_denied`, `not_found` and `store_refused` at once, `store_unavailable` when the budget is spent.
 * Aborting the signal rejects with its reason.
 */
export async function* resumingStream(
  store: ReadableStore,
  key: string,
  offset: number,
  bytes: number,
  options: TransferOptions,
): AsyncGenerator<Uint8Array, void> {
  const { policy, signal } = options;
  const end = offset + bytes;
  let position = offset;
  let etag = options.ifMatch;
  let failures = 0;
  let fruitless = 0;
  let lastProgressMs = policy.now();
  while (position < end) {
    try {
      const range = { offset: position, bytes: end - position };
      for await (const chunk of openGuarded(store, key, range, etag, options, (body) => {
        etag = sameObject(key, etag, end, body);
      })) {
        position += chunk.byteLength;
        fruitless = 0;
        lastProgressMs = policy.now();
        yield chunk;
      }
      if (position < end) throw cut(store, key, position, end);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRetryable(error)) throw error;
      failures += 1;
      fruitless += 1;
      const waitMs = backoff(policy, fruitless);
      const isSpent = policy.now() + waitMs - lastProgressMs > policy.budgetMs;
      if (isSpent || failures > policy.maxFailures) {
        throw new WeightsError(
          "store_unavailable",
          `gave up ${key} of ${store.address} at byte ${position} of ${end} after ${failures} failures`,
          { cause: error },
        );
      }
      options.onRetry?.(error as WeightsError, waitMs);
      await policy.sleep(waitMs, signal);
    }
  }
}

/** Opens a range and yields exactly its bytes; a silent connection throws `store_unavailable` after `stallMs`. */
async function* openGuarded(
  store: ReadableStore,
  key: string,
  range: { readonly offset: number; readonly bytes: number },
  etag: string | undefined,
  { policy, signal, onReceived }: TransferOptions,
  onOpen: (body: ObjectBody) => void,
): AsyncGenerator<Uint8Array, void> {
  const watchdog = watchForSilence(policy.stallMs, `${key} of ${store.address}`, signal);
  try {
    const body = await watchdog.race(
      store.get(key, {
        range,
        ...(etag === undefined ? {} : { ifMatch: etag }),
        signal: watchdog.signal,
      }),
    );
    onOpen(body);
    let skip = range.offset - body.offset;
    let wanted = range.bytes;
    const iterator = body.chunks[Symbol.asyncIterator]();
    try {
      while (wanted > 0) {
        const next = await watchdog.race(iterator.next());
        if (next.done) return;
        onReceived?.(next.value.byteLength);
        const chunk = next.value.subarray(skip, skip + wanted);
        skip = Math.max(0, skip - next.value.byteLength);
        wanted -= chunk.byteLength;
        if (chunk.byteLength > 0) yield chunk;
      }
    } finally {
      // Not awaited: a silent connection would never answer. Its own failure says nothing that is not known already.
      iterator.return?.()?.catch(() => undefined);
    }
  } finally {
    watchdog.stop();
  }
}

/** Returns the ETag to insist on from here on. Throws `object_changed` if this is not the object that was meant. */
function sameObject(
  key: string,
  etag: string | undefined,
  end: number,
  body: ObjectBody,
): string | undefined {
  if (etag !== undefined && body.etag !== undefined && body.etag !== etag) {
    throw new WeightsError("object_changed", `${key} was replaced while it was read`);
  }
  if (body.objectBytes !== undefined && body.objectBytes < end) {
    throw new WeightsError(
      "object_changed",
      `${key} has ${body.objectBytes} bytes where ${end} are expected`,
    );
  }
  return etag ?? body.etag;
}

/** Full jitter: many functions that start at once spread out. Source: AWS, Exponential Backoff And Jitter. */
function backoff(policy: RetryPolicy, failuresInARow: number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (failuresInARow - 1));
  return policy.random() * ceiling;
}

function cut(store: ReadableStore, key: string, position: number, end: number): WeightsError {
  return new WeightsError(
    "store_unavailable",
    `${key} of ${store.address} broke off at byte ${position} of ${end}`,
  );
}

/** One timer for a whole connection: it is looked at when it rings, not wound up again with every chunk. */
function watchForSilence(
  stallMs: number,
  what: string,
  outer: AbortSignal | undefined,
): {
  readonly signal: AbortSignal;
  race<Value>(step: Promise<Value>): Promise<Value>;
  stop(): void;
} {
  const controller = new AbortController();
  let lastSignMs = performance.now();
  let reject: (reason: unknown) => void = () => {};
  const broken = new Promise<never>((_, no) => {
    reject = no;
  });
  broken.catch(() => undefined); // raced against; nobody may be racing when it settles
  const end = (reason: unknown): void => {
    controller.abort(reason);
    reject(reason);
  };
  const onAbort = (): void => end(outer?.reason);
  const look = (): void => {
    const silentMs = performance.now() - lastSignMs;
    if (silentMs < stallMs) timer = setTimeout(look, stallMs - silentMs);
    else end(new WeightsError("store_unavailable", `${what} was silent for ${stallMs} ms`));
  };
  let timer = setTimeout(look, stallMs);
  if (outer?.aborted) onAbort();
  else outer?.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    async race(step) {
      const value = await Promise.race([step, broken]);
      lastSignMs = performance.now();
      return value;
    },
    stop() {
      clearTimeout(timer);
      outer?.removeEventListener("abort", onAbort);
      controller.abort();
    },
  };
}

/** Reads a small object whole, over as many connections as it takes. */
export async function readObject(
  store: ReadableStore,
  key: string,
  maxBytes: number,
  options: TransferOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { signal } = options;
  const bytes = await withRetries(options, async () => {
    const head = await store.head(key, signal);
    if (head === undefined) throw new WeightsError("not_found", `${store.address} has no ${key}`);
    return head.bytes;
  });
  if (bytes > maxBytes) {
    throw new WeightsError(
      "manifest_invalid",
      `${key} of ${store.address} has ${bytes} bytes; allowed are ${maxBytes}`,
    );
  }
  return collect(resumingStream(store, key, 0, bytes, options), bytes);
}

async function withRetries<Value>(
  { policy, signal, onRetry }: TransferOptions,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const startedMs = policy.now();
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRetryable(error) || failures > policy.maxFailures) throw error;
      const waitMs = backoff(policy, failures);
      if (policy.now() + waitMs - startedMs > policy.budgetMs) throw error;
      onRetry?.(error as WeightsError, waitMs);
      await policy.sleep(waitMs, signal);
    }
  }
}
