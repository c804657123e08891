import type { Bundle } from "#domain/bundle.ts";
import type { LoadStatus } from "#weights/load-tally.ts";
import type { ReadableStore } from "#weights/object-store.ts";
import { readBlob, readManifest } from "#weights/read-bundle.ts";
import type { RetryPolicy } from "#weights/retries.ts";
import type { ShardCache } from "#weights/shard-fetch.ts";
import { type LoadOptions, loadBundle } from "#weights/stream.ts";
import { openStageThreads, type StageSource } from "./loading/stage-threads.ts";
import { createSha256 } from "./sha256.ts";

/** A model whose manifest and files are known; its weights are on their way. */
export interface ModelLoad {
  readonly bundle: Bundle;
  /** SHA-256 of the manifest: the model's identity. */
  readonly digest: string;
  /** `tokenizer.json` and the like, by name; empty in a bundle that takes ids only. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /**
   * Starts to load. Stages go to the acceptor in the order of the plan, `acceptsAtOnce` (default 1) at a time; it makes a
   * session of each and lets the bytes go. Resolves when the last one is accepted, rejects with the loader's error. Called once.
   */
  start(acceptor: LoadOptions["acceptor"], acceptsAtOnce?: number): Promise<void>;
  /** How far the weights are, at any time. */
  state(): LoadState;
}

export type LoadState =
  | { readonly kind: "loading"; readonly status: LoadStatus }
  | { readonly kind: "ready"; readonly status: LoadStatus }
  | { readonly kind: "failed"; readonly status: LoadStatus; readonly error: unknown };

export interface ModelLoaderOptions {
  readonly store: ReadableStore;
  readonly model: string;
  /** Absent: whatever `latest.json` names. */
  readonly version?: string;
  readonly cache?: ShardCache;
  /** Store and cache once more, for threads that fetch on their own. Absent: weights are fetched on the caller's thread. */
  readonly apart?: StageSource;
  readonly memoryBudgetBytes?: number;
  readonly policy?: RetryPolicy;
  readonly signal?: AbortSignal;
  /** What went wrong and was mended, for the log. */
  readonly onMended?: (sentence: string) => void;
}

/** Weights that arrive sooner than a thread starts: below this they are fetched on the caller's thread. */
const APART_FROM_BYTES: number = 256 * 1024 * 1024;

/** Opens a model: reads and checks its manifest and files, and none of the weights. Throws WeightsError by name. */
export async function openModel(options: ModelLoaderOptions): Promise<ModelLoad> {
  const { store, model, version, signal, policy } = options;
  const reading = {
    ...(signal === undefined ? {} : { signal }),
    ...(policy === undefined ? {} : { policy }),
  };
  const { bundle, digest } = await readManifest(store, model, version, reading);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, blob] of Object.entries(bundle.files)) {
    files.set(name, await readBlob(store, blob, reading));
  }
  let state: LoadState = { kind: "loading", status: statusBefore(bundle) };
  return {
    bundle,
    digest,
    files,
    state: () => state,
    async start(acceptor, acceptsAtOnce = 1) {
      const isLarge = statusBefore(bundle).totalBytes >= APART_FROM_BYTES;
      const { apart } = options;
      const threads = apart === undefined || !isLarge ? undefined : openStageThreads(apart);
      try {
        const status = await loadBundle({
          ...reading,
          store,
          bundle,
          acceptor,
          acceptsAtOnce,
          ...(threads === undefined ? {} : { fetchStage: threads.fetchStage }),
          createHasher: createSha256,
          ...(options.cache === undefined ? {} : { cache: options.cache }),
          ...(options.memoryBudgetBytes === undefined
            ? {}
            : { memoryBudgetBytes: options.memoryBudgetBytes }),
          ...(options.onMended === undefined ? {} : { onMended: options.onMended }),
          onStatus: (status) => {
            state = { kind: "loading", status };
          },
        });
        state = { kind: "ready", status };
      } catch (error) {
        state = { kind: "failed", status: state.status, error };
        throw error;
      } finally {
        await threads?.close();
      }
    },
  };
}

function statusBefore(bundle: Bundle): LoadStatus {
  return {
    doneBytes: 0,
    totalBytes: bundle.stages.reduce((total, { bytes }) => total + bytes, 0),
    bytesPerSecond: 0,
    etaSeconds: Number.POSITIVE_INFINITY,
    stagesDone: 0,
    stagesTotal: bundle.stages.length,
    receivedBytes: 0,
    retries: 0,
    corruptions: 0,
  };
}
