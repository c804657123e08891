import type { Blob, Bundle, LoadedStage } from "#domain/bundle.ts";
import type { CreateHasher } from "./digest.ts";
import type { ReadableStore } from "./object-store.ts";
import { type Fetch, type LoadPlan, planLoad, type StagePlan } from "./plan.ts";
import { type Progress, rateMeter } from "./progress.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, resumingStream } from "./transfer.ts";
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

export interface LoadOptions {
  readonly store: ReadableStore;
  readonly bundle: Bundle;
  /**
   * Takes a verified stage, in order, one at a time. The bytes are its own until the promise settles; loading goes on meanwhile,
   * as far as the memory budget allows. A rejection ends the load.
   */
  readonly acceptor: (stage: LoadedStage) => Promise<void>;
  readonly createHasher: CreateHasher;
  readonly cache?: ShardCache;
  /** The most that stage buffers may take together. Default: three of the largest stages. */
  readonly memoryBudgetBytes?: number;
  /** Shards in flight at once. Default 6: enough to fill a link of 10 Gbit/s from a store that gives 200 MB/s a connection. */
  readonly concurrency?: number;
  readonly policy?: RetryPolicy;
  readonly signal?: AbortSignal;
  /** At every shard's end and several times a second in between. */
  readonly onStatus?: (status: LoadStatus) => void;
  /** What went wrong and was mended, one sentence each: for the log. */
  readonly onMended?: (sentence: string) => void;
}

/** How far a load is. Bytes count once they are in place; those of a shard that turned out wrong are taken back. */
export interface LoadStatus extends Progress {
  readonly stagesDone: number;
  readonly stagesTotal: number;
  /** What came off the network so far. With `storeBytes` of the plan it says what faults have cost. */
  readonly receivedBytes: number;
  /** Connections that failed, and shards that had the wrong hash. */
  readonly retries: number;
  readonly corruptions: number;
}

/** Three tries in all. A fault of the network is gone at the second; one that comes back thrice lies in the store. */
const MAX_CONTENT_TRIES = 3;
const DEFAULT_CONCURRENCY = 6;
/** Between two reports of status: often enough for a bar, seldom enough to cost nothing. */
const STATUS_INTERVAL_MS = 200;

/**
 * Loads a bundle: every shard comes from cache or store straight into its place in the stage's buffer, is hashed on the way,
 * and only a stage whose shards are all right is handed on. Nothing is held twice, and at most three stages at once.
 *
 * Throws WeightsError: `shard_corrupt` with the shard's name after three wrong contents; `not_found`, `access_denied`,
 * `store_refused` at once; `store_unavailable` when the retry policy is spent; `memory_budget_too_small` before anything is
 * fetched. Aborting the signal rejects with its reason; what is in flight is let go.
 * Returns the final status.
 */
export async function loadBundle(options: LoadOptions): Promise<LoadStatus> {
  const plan = planLoad(
    options.bundle,
    (shard) => options.cache?.has(shard) ?? false,
    options.memoryBudgetBytes ?? Number.POSITIVE_INFINITY,
  );
  const failure = new AbortController();
  const signal =
    options.signal === undefined
      ? failure.signal
      : AbortSignal.any([options.signal, failure.signal]);
  const load = startLoad(options, plan);
  try {
    await runStages(plan, load, options.acceptor, signal);
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  return load.status();
}

/** Fetches stages as buffers become free, and hands them on in order. */
async function runStages(
  plan: LoadPlan,
  load: Load,
  acceptor: LoadOptions["acceptor"],
  signal: AbortSignal,
): Promise<void> {
  const buffers = slots(plan.stagesAtOnce);
  const connections = slots(load.concurrency);
  const failed: { promise: Promise<never>; reject: (reason: unknown) => void } =
    Promise.withResolvers();
  failed.promise.catch(() => undefined); // raced against below; may settle when nobody races any more
  signal.addEventListener("abort", () => failed.reject(signal.reason), { once: true });
  let handedOn: Promise<void> = Promise.resolve();
  for (const stage of plan.stages) {
    await Promise.race([buffers.take(), failed.promise]);
    signal.throwIfAborted();
    const fetched = fetchStage(stage, load, connections, signal);
    const before = handedOn;
    handedOn = (async () => {
      const [loaded] = await Promise.all([fetched, before]);
      await acceptor(loaded);
      load.stageDone();
      buffers.give();
    })();
    handedOn.catch(failed.reject);
  }
  await Promise.race([handedOn, failed.promise]);
}

async function fetchStage(
  { layout, fetches }: StagePlan,
  load: Load,
  connections: Slots,
  signal: AbortSignal,
): Promise<LoadedStage> {
  const bytes = new Uint8Array(layout.bytes);
  await Promise.all(
    fetches.map(async (fetch) => {
      await connections.take();
      try {
        signal.throwIfAborted();
        const target = bytes.subarray(fetch.offset, fetch.offset + fetch.shard.bytes);
        await load.fetchShard(fetch, target, signal);
      } finally {
        connections.give();
      }
    }),
  );
  return { layout, bytes };
}

interface Load {
  readonly concurrency: number;
  fetchShard(fetch: Fetch, target: Uint8Array, signal: AbortSignal): Promise<void>;
  stageDone(): void;
  status(): LoadStatus;
}

function startLoad(options: LoadOptions, plan: LoadPlan): Load {
  const { store, cache, createHasher, onStatus, onMended } = options;
  const policy = options.policy ?? DEFAULT_RETRY_POLICY;
  const meter = rateMeter(plan.storeBytes + plan.diskBytes, policy.now);
  const counts = { placed: 0, received: 0, retries: 0, corruptions: 0, stages: 0 };
  let reportedMs = Number.NEGATIVE_INFINITY;
  const status = (): LoadStatus => ({
    ...meter(counts.placed),
    stagesDone: counts.stages,
    stagesTotal: plan.stages.length,
    receivedBytes: counts.received,
    retries: counts.retries,
    corruptions: counts.corruptions,
  });
  const report = (isDue: boolean): void => {
    if (onStatus === undefined || (!isDue && policy.now() - reportedMs < STATUS_INTERVAL_MS))
      return;
    reportedMs = policy.now();
    onStatus(status());
  };

  /** Reads one content into place. Says whether it is the right one; on any other outcome its bytes are not counted. */
  const fill = async (
    shard: Blob,
    chunks: AsyncIterable<Uint8Array>,
    target: Uint8Array,
  ): Promise<boolean> => {
    const hasher = createHasher();
    let filled = 0;
    let isRight = false;
    try {
      for await (const chunk of chunks) {
        if (filled + chunk.byteLength > target.byteLength) return false;
        target.set(chunk, filled);
        hasher.update(chunk);
        filled += chunk.byteLength;
        counts.placed += chunk.byteLength;
        report(false);
      }
      isRight = filled === target.byteLength && hasher.digestHex() === shard.sha256;
    } finally {
      if (!isRight) counts.placed -= filled;
    }
    return isRight;
  };

  const fromCache = async (
    nearby: ShardCache,
    shard: Blob,
    target: Uint8Array,
    signal: AbortSignal,
  ): Promise<boolean> => {
    try {
      if (await fill(shard, nearby.read(shard, signal), target)) return true;
      onMended?.(`shard ${shard.sha256} was wrong on disk and is fetched again`);
    } catch (cause) {
      signal.throwIfAborted();
      onMended?.(`shard ${shard.sha256} could not be read from disk (${cause}) and is fetched`);
    }
    await nearby.drop(shard);
    return false;
  };

  const fromStore = async (
    { shard, key, stage }: Fetch,
    target: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> => {
    let problem: unknown = "another hash";
    for (let tries = 0; tries < MAX_CONTENT_TRIES; tries++) {
      const chunks = resumingStream(store, key, 0, shard.bytes, {
        policy,
        signal,
        onReceived: (bytes) => {
          counts.received += bytes;
        },
        onRetry: (error, waitMs) => {
          counts.retries += 1;
          onMended?.(`${error.message}; trying again in ${Math.round(waitMs)} ms`);
        },
      });
      try {
        if (await fill(shard, chunks, target)) return;
      } catch (error) {
        if (!(error instanceof WeightsError) || error.code !== "object_changed") throw error;
        problem = error;
      }
      counts.corruptions += 1;
      onMended?.(`shard ${shard.sha256} of ${stage} arrived wrong (try ${tries + 1})`);
    }
    throw new WeightsError(
      "shard_corrupt",
      `shard ${shard.sha256} of ${stage} in ${store.address} was wrong ${MAX_CONTENT_TRIES} times`,
      { cause: problem },
    );
  };

  return {
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    async fetchShard(fetch, target, signal) {
      const { shard, from } = fetch;
      const isNear = from === "disk" && cache !== undefined;
      if (!(isNear && (await fromCache(cache, shard, target, signal)))) {
        await fromStore(fetch, target, signal);
        await cache?.keep(shard, target).catch((cause: unknown) => {
          onMended?.(`shard ${shard.sha256} is loaded but could not be kept on disk: ${cause}`);
        });
      }
      report(true);
    },
    stageDone() {
      counts.stages += 1;
      report(true);
    },
    status,
  };
}

interface Slots {
  take(): Promise<void>;
  give(): void;
}

/** A counting semaphore, first come first served. */
function slots(count: number): Slots {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    async take() {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    give() {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
