import { WeightsError } from "./weights-error.ts";

/**
 * What the bundle format needs from object storage. S3, a folder and memory are values of it (`test/contract/object-store.ts`
 * holds the rules). Keys are `/`-separated without a leading slash. Faults are `WeightsError`s: `not_found`,
 * `access_denied`, `object_changed`, `store_unavailable` (worth trying again), `store_refused`.
 *
 * No method of reading retries: whoever reads knows how many bytes it already has (`transfer.ts`).
 */
export interface ObjectStore {
  /** Where it is, for messages: `s3://bucket/prefix`, a folder. */
  readonly address: string;
  /** Returns size and ETag, or undefined if there is no such object. */
  head(key: string, signal?: AbortSignal): Promise<ObjectHead | undefined>;
  /** Opens an object. The body must be read to its end or left (`return`). */
  get(key: string, options?: GetOptions): Promise<ObjectBody>;
  /** Writes a whole object; readers see the old one or the new one, never a part. */
  put(key: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** Writes an object from pieces of any size as they come; visible only when all have arrived. */
  putStream(key: string, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
  /** Removes an object; removing what is not there is no fault. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
  /** Lists the keys that begin with a prefix, ascending. */
  list(prefix: string, signal?: AbortSignal): AsyncIterable<string>;
}

/** The half of a store that reading needs. */
export type ReadableStore = Pick<ObjectStore, "address" | "head" | "get" | "list">;

export interface ObjectHead {
  readonly bytes: number;
  readonly etag: string;
}

export interface GetOptions {
  /** Only these bytes. The range must begin inside the object; it may end behind it. */
  readonly range?: { readonly offset: number; readonly bytes: number };
  /** Refuse with `object_changed` if the object has another ETag by now. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface ObjectBody {
  /** Size of the whole object, whatever range was asked for; undefined if the server does not say. */
  readonly objectBytes: number | undefined;
  readonly etag: string | undefined;
  /** Where the body begins: the range's offset, or 0 from a server that ignores ranges. */
  readonly offset: number;
  /** A chunk is the reader's until it asks for the next one; who keeps it longer copies it. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Keeps objects in memory: for tests and for a conversion whose result is used at once. */
export function memoryStore(): ObjectStore {
  const objects = new Map<string, { bytes: Uint8Array; etag: string }>();
  let writes = 0;
  const store: ObjectStore = {
    address: "memory:",
    async head(key, signal) {
      signal?.throwIfAborted();
      const object = objects.get(key);
      return object && { bytes: object.bytes.byteLength, etag: object.etag };
    },
    async get(key, { range, ifMatch, signal } = {}) {
      signal?.throwIfAborted();
      const object = objects.get(key);
      if (object === undefined) throw new WeightsError("not_found", `memory: has no ${key}`);
      if (ifMatch !== undefined && ifMatch !== object.etag) {
        throw new WeightsError("object_changed", `memory: ${key} was replaced`);
      }
      const offset = range?.offset ?? 0;
      if (offset > 0 && offset >= object.bytes.byteLength) {
        throw new WeightsError("store_refused", `memory: ${key} ends before byte ${offset}`);
      }
      const end = range === undefined ? object.bytes.byteLength : range.offset + range.bytes;
      const part = object.bytes.subarray(offset, end);
      return {
        objectBytes: object.bytes.byteLength,
        etag: object.etag,
        offset,
        chunks: pieces(part),
      };
    },
    async put(key, bytes, signal) {
      signal?.throwIfAborted();
      writes += 1;
      objects.set(key, { bytes: bytes.slice(), etag: `"${writes}"` });
    },
    async putStream(key, chunks, signal) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk.slice());
      const whole = new Uint8Array(parts.reduce((total, part) => total + part.byteLength, 0));
      let filled = 0;
      for (const part of parts) {
        whole.set(part, filled);
        filled += part.byteLength;
      }
      await store.put(key, whole, signal);
    },
    async remove(key, signal) {
      signal?.throwIfAborted();
      objects.delete(key);
    },
    async *list(prefix, signal) {
      signal?.throwIfAborted();
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
  };
  return store;
}

/** Sees one folder of a store as a store of its own. `prefix` is without slashes at its ends; empty is the store itself. */
export function prefixedStore(store: ObjectStore, prefix: string): ObjectStore {
  if (prefix === "") return store;
  const inside = (key: string): string => `${prefix}/${key}`;
  return {
    address: `${store.address}/${prefix}`,
    head: (key, signal) => store.head(inside(key), signal),
    get: (key, options) => store.get(inside(key), options),
    put: (key, bytes, signal) => store.put(inside(key), bytes, signal),
    putStream: (key, chunks, signal) => store.putStream(inside(key), chunks, signal),
    remove: (key, signal) => store.remove(inside(key), signal),
    async *list(within, signal) {
      for await (const key of store.list(inside(within), signal))
        yield key.slice(prefix.length + 1);
    },
  };
}

/** As large as a socket's reads, so that what is tested against memory meets chunks as from a network. */
const MEMORY_CHUNK_BYTES = 64 * 1024;

async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += MEMORY_CHUNK_BYTES) {
    yield bytes.subarray(offset, offset + MEMORY_CHUNK_BYTES);
  }
}
