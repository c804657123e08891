import type { ObjectBody, ObjectHead, ReadableStore } from "./object-store.ts";
import { patience, type RetryOptions, withRetries } from "./retries.ts";
import { collect } from "./source.ts";
import { WeightsError } from "./weights-error.ts";

export interface TransferOptions extends RetryOptions {
  /** ETag that the object had when it was looked at; with another one nothing is read. */
  readonly ifMatch?: string;
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
  const end = offset + bytes;
  let position = offset;
  let etag = options.ifMatch;
  const tries = patience(options);
  while (position < end) {
    try {
      const range = { offset: position, bytes: end - position };
      for await (const chunk of openGuarded(store, key, range, etag, options, (body) => {
        etag = sameObject(key, etag, end, body);
      })) {
        position += chunk.byteLength;
        tries.progressed();
        yield chunk;
      }
      if (position < end) throw cut(store, key, position, end);
    } catch (error) {
      await tries.next(
        error,
        (cause) =>
          new WeightsError(
            "store_unavailable",
            `gave up ${key} of ${store.address} at byte ${position} of ${end} after ${tries.failures} failures`,
            { cause },
          ),
      );
    }
  }
}

/** What is read past of a server that ignores ranges. Of a real checkpoint's file each tensor would cost the gigabytes before it. */
const MAX_SKIPPED_BYTES: number = 256 * 1024 * 1024;

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
    if (skip > MAX_SKIPPED_BYTES) {
      throw new WeightsError(
        "store_refused",
        `${store.address} gives ${key} only as a whole, however small a part is asked for: download it and name the folder`,
      );
    }
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

/** Looks at an object, as often as it takes to be told; undefined if there is none. */
export function findObject(
  store: Pick<ReadableStore, "address" | "head">,
  key: string,
  options: RetryOptions,
): Promise<ObjectHead | undefined> {
  const { policy, signal } = options;
  return withRetries(options, async () => {
    const watchdog = watchForSilence(policy.stallMs, `${key} of ${store.address}`, signal);
    try {
      return await watchdog.race(store.head(key, watchdog.signal));
    } finally {
      watchdog.stop();
    }
  });
}

/** Reads a small object whole, over as many connections as it takes. */
export async function readObject(
  store: ReadableStore,
  key: string,
  maxBytes: number,
  options: TransferOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const head = await findObject(store, key, options);
  if (head === undefined) throw new WeightsError("not_found", `${store.address} has no ${key}`);
  if (head.bytes > maxBytes) {
    throw new WeightsError(
      "manifest_invalid",
      `${key} of ${store.address} has ${head.bytes} bytes; allowed are ${maxBytes}`,
    );
  }
  return collect(resumingStream(store, key, 0, head.bytes, options), head.bytes);
}
