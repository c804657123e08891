import type { Blob } from "#domain/bundle.ts";
import type { CreateHasher } from "./digest.ts";
import type { LoadTally } from "./load-tally.ts";
import type { ReadableStore } from "./object-store.ts";
import type { Fetch } from "./plan.ts";
import type { RetryPolicy } from "./retries.ts";
import { resumingStream } from "./transfer.ts";
import { WeightsError } from "./weights-error.ts";

/** A place nearer than the store where shards may lie. Whatever it returns is verified. */
export interface ShardCache {
  has(shard: Blob): boolean;
  /** Reads a shard; throws or yields rubbish as disks do. */
  read(shard: Blob, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Keeps a verified shard. */
  keep(shard: Blob, bytes: Uint8Array): Promise<void>;
  /** Forgets a shard that turned out wrong. */
  drop(shard: Blob): Promise<void>;
}

/** Where shards come from, and what is done on the way. */
export interface ShardSource {
  readonly store: ReadableStore;
  readonly cache: ShardCache | undefined;
  readonly createHasher: CreateHasher;
  readonly policy: RetryPolicy;
  readonly progress: FetchProgress;
}

/** Who is told what happens to shards on their way. */
export interface FetchProgress
  extends Pick<
    LoadTally,
    "placed" | "takenBack" | "received" | "retried" | "corrupted" | "shardDone"
  > {
  /** What went wrong and was mended, in one sentence. */
  mended(sentence: string): void;
}

/** Three tries in all. A fault of the network is gone at the second; one that comes back thrice lies in the store. */
const MAX_CONTENT_TRIES = 3;

/**
 * Brings one shard, verified, into its place. A shard that is wrong on disk or cannot be read there comes from the store after
 * all; the cache's own troubles never fail a load. Throws WeightsError `shard_corrupt` after three wrong contents.
 */
export async function fetchShard(
  source: ShardSource,
  fetch: Fetch,
  target: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const { cache, progress } = source;
  const { shard, from } = fetch;
  const isNear = from === "disk" && cache !== undefined;
  if (!(isNear && (await fillFromCache(source, cache, shard, target, signal)))) {
    await fillFromStore(source, fetch, target, signal);
    await cache?.keep(shard, target).catch((cause: unknown) => {
      progress.mended(`shard ${shard.sha256} is loaded but could not be kept on disk: ${cause}`);
    });
  }
  progress.shardDone();
}

async function fillFromCache(
  source: ShardSource,
  cache: ShardCache,
  shard: Blob,
  target: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  const { progress } = source;
  try {
    if (await fill(source, shard, cache.read(shard, signal), target)) return true;
    progress.mended(`shard ${shard.sha256} was wrong on disk and is fetched again`);
    await cache.drop(shard);
  } catch (cause) {
    signal.throwIfAborted();
    progress.mended(`shard ${shard.sha256} could not be had from disk (${cause}) and is fetched`);
  }
  return false;
}

async function fillFromStore(
  source: ShardSource,
  { shard, key, stage }: Fetch,
  target: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const { store, policy, progress } = source;
  let problem: unknown = new Error("the hash was another");
  for (let tries = 1; tries <= MAX_CONTENT_TRIES; tries++) {
    const chunks = resumingStream(store, key, 0, shard.bytes, {
      policy,
      signal,
      onReceived: progress.received,
      onRetry: (error, waitMs) => {
        progress.retried();
        progress.mended(`${error.message}; trying again in ${Math.round(waitMs)} ms`);
      },
    });
    try {
      if (await fill(source, shard, chunks, target)) return;
    } catch (error) {
      if (!(error instanceof WeightsError) || error.code !== "object_changed") throw error;
      problem = error;
    }
    progress.corrupted();
    progress.mended(`shard ${shard.sha256} of ${stage} arrived wrong (try ${tries})`);
  }
  throw new WeightsError(
    "shard_corrupt",
    `shard ${shard.sha256} of ${stage} in ${store.address} was wrong ${MAX_CONTENT_TRIES} times`,
    { cause: problem },
  );
}

/** Reads one content into place, hashing it on the way. Says whether it is the right one; if not, its bytes do not count. */
async function fill(
  { createHasher, progress }: ShardSource,
  shard: Blob,
  chunks: AsyncIterable<Uint8Array>,
  target: Uint8Array,
): Promise<boolean> {
  const hasher = createHasher();
  let filled = 0;
  let isRight = false;
  try {
    for await (const chunk of chunks) {
      if (filled + chunk.byteLength > target.byteLength) return false;
      target.set(chunk, filled);
      hasher.update(chunk);
      filled += chunk.byteLength;
      progress.placed(chunk.byteLength);
    }
    isRight = filled === target.byteLength && hasher.digestHex() === shard.sha256;
  } finally {
    if (!isRight) progress.takenBack(filled);
  }
  return isRight;
}
