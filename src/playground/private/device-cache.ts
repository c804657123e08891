import type { Blob as Shard } from "#domain/bundle.ts";
import type { ShardCache } from "#weights/shard-fetch.ts";
import type { ModelBody } from "#wire/api/models.ts";

/** What is kept of a model on this device. */
export interface KeptModel {
  readonly version: string;
  /** Hex SHA-256 of the manifest. */
  readonly digest: string;
  /** Of all shards and files. */
  readonly bytes: number;
  /** By which questions are read where the service cannot be asked for it. Absent in what was kept before it was. */
  readonly card?: ModelBody;
}

/** Everything kept of a model: shards and files by their digest, manifests, and which version is whole. */
export interface DeviceCache extends ShardCache {
  /** Bytes of an object of the store; undefined where they are not kept, or not any more. */
  find(key: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Keeps an object. Says whether there was room. */
  put(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** Notes that a version is here whole, and lets go of all that is not of it. */
  settle(kept: KeptModel, keys: ReadonlySet<string>): Promise<void>;
}

/** Raised when the layout of what is kept changes; what lies under another number is let go of. */
const LAYOUT = "unmask-private-1";

const RECORD = "kept.json";

function cacheName(model: string): string {
  return `${LAYOUT}:${model}`;
}

/** An address in the cache: nothing is ever fetched from it. */
function address(key: string): string {
  return new URL(`/private/kept/${key}`, location.origin).href;
}

function shardKey({ sha256 }: Shard): string {
  return `blobs/sha256/${sha256}`;
}

/** Says which model is kept whole on this device; null where none is, or the browser keeps nothing here. */
export async function keptModel(model: string): Promise<KeptModel | null> {
  if (!("caches" in globalThis) || !(await caches.has(cacheName(model)))) return null;
  const found = await (await caches.open(cacheName(model))).match(address(RECORD));
  return found === undefined ? null : ((await found.json()) as KeptModel);
}

/** The cards of the models that are kept whole on this device. Never rejects. */
export async function keptCards(): Promise<readonly ModelBody[]> {
  try {
    const models = (await caches.keys())
      .filter((name) => name.startsWith(cacheName("")))
      .map((name) => name.slice(cacheName("").length));
    const kept = await Promise.all(models.map(keptModel));
    return kept.flatMap((one) => one?.card ?? []);
  } catch {
    return []; // a browser that lets the page keep nothing
  }
}

/** Removes all that is kept of a model. */
export async function removeModel(model: string): Promise<void> {
  if ("caches" in globalThis) await caches.delete(cacheName(model));
}

/**
 * Opens what is kept of a model, in Cache Storage. It promises nothing about contents: whoever reads verifies them. The browser may let
 * go of all of it when the device is full. Undefined where the page is not allowed to keep anything.
 */
export async function openDeviceCache(model: string): Promise<DeviceCache | undefined> {
  if (!("caches" in globalThis)) return undefined;
  const cache = await caches.open(cacheName(model));
  const known = new Set((await cache.keys()).map(({ url }) => url));
  const put = async (key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    await cache.put(address(key), new Response(bytes));
    known.add(address(key));
  };
  const forget = async (url: string): Promise<void> => {
    known.delete(url);
    await cache.delete(url);
  };
  return {
    has: (shard) => known.has(address(shardKey(shard))),
    async *read(shard) {
      const found = await cache.match(address(shardKey(shard)));
      if (found?.body == null) throw new Error("the browser has let go of it");
      yield* chunksOf(found.body);
    },
    // A copy: the stage's buffer is the engine's once its last shard is in place.
    keep: (shard, bytes) => put(shardKey(shard), Uint8Array.from(bytes)),
    drop: (shard) => forget(address(shardKey(shard))),
    async find(key) {
      const found = await cache.match(address(key));
      return found === undefined ? undefined : new Uint8Array(await found.arrayBuffer());
    },
    async put(key, bytes) {
      try {
        await put(key, bytes);
        return true;
      } catch {
        return false; // no room: it is fetched again next time
      }
    },
    async settle(kept, keys) {
      const wanted = new Set([...keys, RECORD].map(address));
      for (const url of [...known]) if (!wanted.has(url)) await forget(url);
      await cache.put(address(RECORD), Response.json(kept));
    },
  };
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}
