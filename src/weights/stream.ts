import type { Bundle, LoadedStage } from "#domain/bundle.ts";
import type { CreateHasher } from "./digest.ts";
import { type LoadStatus, startTally } from "./load-tally.ts";
import type { ReadableStore } from "./object-store.ts";
import { type LoadPlan, planLoad, type StagePlan } from "./plan.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retries.ts";
import { fetchShard, type ShardCache, type ShardSource } from "./shard-fetch.ts";

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

const DEFAULT_CONCURRENCY = 6;

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
  const policy = options.policy ?? DEFAULT_RETRY_POLICY;
  const tally = startTally(plan, policy.now, options.onStatus);
  const source: ShardSource = {
    store: options.store,
    cache: options.cache,
    createHasher: options.createHasher,
    policy,
    tally,
    onMended: options.onMended,
  };
  try {
    await runStages(plan, source, options, signal);
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  return tally.status();
}

/** Fetches stages as buffers become free, and hands them on in order. */
async function runStages(
  plan: LoadPlan,
  source: ShardSource,
  { acceptor, concurrency = DEFAULT_CONCURRENCY }: LoadOptions,
  signal: AbortSignal,
): Promise<void> {
  const buffers = slots(plan.stagesAtOnce);
  const connections = slots(concurrency);
  const failed: { promise: Promise<never>; reject: (reason: unknown) => void } =
    Promise.withResolvers();
  failed.promise.catch(() => undefined); // raced against below; may settle when nobody races any more
  signal.addEventListener("abort", () => failed.reject(signal.reason), { once: true });
  let handedOn: Promise<void> = Promise.resolve();
  for (const stage of plan.stages) {
    await Promise.race([buffers.take(), failed.promise]);
    signal.throwIfAborted();
    const fetched = fetchStage(stage, source, connections, signal);
    const before = handedOn;
    handedOn = (async () => {
      const [loaded] = await Promise.all([fetched, before]);
      await acceptor(loaded);
      source.tally.stageDone();
      buffers.give();
    })();
    handedOn.catch(failed.reject);
  }
  await Promise.race([handedOn, failed.promise]);
}

async function fetchStage(
  { layout, fetches }: StagePlan,
  source: ShardSource,
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
        await fetchShard(source, fetch, target, signal);
      } finally {
        connections.give();
      }
    }),
  );
  return { layout, bytes };
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
