import type { Bundle, LoadedStage } from "#domain/bundle.ts";
import { type LoadStatus, type LoadTally, startTally } from "./load-tally.ts";
import { type LoadPlan, planLoad, type StagePlan } from "./plan.ts";
import { DEFAULT_RETRY_POLICY } from "./retries.ts";
import { createSlots } from "./slots.ts";
import { createSpares, type GiveBack, type Spare } from "./spares.ts";
import { createStageFetch, type FetchStage, type StageFetchOptions } from "./stage-fetch.ts";

export interface LoadOptions extends StageFetchOptions {
  readonly bundle: Bundle;
  /**
   * Takes a verified stage. The bytes are its own; loading goes on meanwhile, as far as the memory budget allows. A buffer that
   * it gives back is filled again, by the next stage of that size. Called in order; a rejection ends the load.
   */
  readonly acceptor: (stage: LoadedStage, giveBack: GiveBack) => Promise<void>;
  /** Calls of the acceptor that may run at once. Default 1. */
  readonly acceptsAtOnce?: number;
  /** Brings each stage's bytes. Default: on this thread, as the other options say. */
  readonly fetchStage?: FetchStage;
  /** The most that stage buffers may take together. Default: three of the largest stages. */
  readonly memoryBudgetBytes?: number;
  readonly signal?: AbortSignal;
  /** At every shard's end and several times a second in between. */
  readonly onStatus?: (status: LoadStatus) => void;
  /** What went wrong and was mended, one sentence each: for the log. */
  readonly onMended?: (sentence: string) => void;
}

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
  const { acceptsAtOnce = 1, policy = DEFAULT_RETRY_POLICY } = options;
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
  const tally = startTally(plan, policy.now, options.onStatus);
  const fetchStage = options.fetchStage ?? createStageFetch(options);
  const progress = { ...tally, mended: options.onMended ?? (() => undefined) };
  try {
    await runStages(plan, options.acceptor, acceptsAtOnce, tally, signal, async (stage, spare) => ({
      layout: stage.layout,
      bytes: await fetchStage(stage, spare, progress, signal),
    }));
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  return tally.status();
}

/** Fetches stages as buffers become free, and hands them on in order. */
async function runStages(
  plan: LoadPlan,
  acceptor: LoadOptions["acceptor"],
  acceptsAtOnce: number,
  tally: LoadTally,
  signal: AbortSignal,
  fetch: (stage: StagePlan, spare: Spare) => Promise<LoadedStage>,
): Promise<void> {
  const spares = createSpares();
  const buffers = createSlots(plan.stagesAtOnce);
  const places = createSlots(acceptsAtOnce);
  const failed: { promise: Promise<never>; reject: (reason: unknown) => void } =
    Promise.withResolvers();
  failed.promise.catch(() => undefined); // raced against below; may settle when nobody races any more
  signal.addEventListener("abort", () => failed.reject(signal.reason), { once: true });
  const accepted: Promise<void>[] = [];
  let handedOn: Promise<void> = Promise.resolve();
  for (const stage of plan.stages) {
    await Promise.race([buffers.take(), failed.promise]);
    signal.throwIfAborted();
    const fetched = fetch(stage, spares.take(stage.layout.bytes));
    const before = handedOn;
    const begun = Promise.withResolvers<void>();
    handedOn = begun.promise;
    const accepting = (async () => {
      const [loaded] = await Promise.all([fetched, before]);
      await places.take();
      begun.resolve();
      await acceptor(loaded, spares.keep);
      places.give();
      tally.stageDone();
      buffers.give();
    })();
    accepting.catch(failed.reject);
    accepted.push(accepting);
  }
  await Promise.race([Promise.all(accepted), failed.promise]);
  spares.clear();
}
