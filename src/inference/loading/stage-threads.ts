import { Worker } from "node:worker_threads";
import type { StagePlan } from "#weights/plan.ts";
import type { FetchProgress } from "#weights/shard-fetch.ts";
import type { Spare } from "#weights/spares.ts";
import { DEFAULT_CONCURRENCY, type FetchStage } from "#weights/stage-fetch.ts";
import { WeightsError, type WeightsErrorCode } from "#weights/weights-error.ts";
import type { ShardCacheOptions } from "../shard-cache.ts";
import type { StoreConfig } from "../store-config.ts";

/** A store and a cache as they can be told to a thread, which opens its own. */
export interface StageSource {
  readonly store: StoreConfig;
  readonly cache?: ShardCacheOptions;
}

/** What a thread is told at its start. */
export interface StageThreadSetup extends StageSource {
  readonly connections: number;
}

/** What a thread is asked, by the number of the fetch. */
export type StageOrder =
  | {
      readonly kind: "fetch";
      readonly id: number;
      readonly stage: StagePlan;
      readonly spare: Spare;
    }
  | { readonly kind: "abort"; readonly id: number };

/** What has happened since the last word, of one fetch. */
export interface FetchCounts {
  /** Bytes that came into place, less those that were taken back. */
  readonly placed: number;
  readonly received: number;
  readonly retried: number;
  readonly corrupted: number;
  readonly shardsDone: number;
}

export type StageReply = { readonly id: number } & (
  | { readonly kind: "progress"; readonly counts: FetchCounts; readonly mended: readonly string[] }
  | { readonly kind: "done"; readonly bytes: Uint8Array<ArrayBuffer> }
  | {
      readonly kind: "failed";
      /** Absent where the fault is no `WeightsError`. */
      readonly code?: WeightsErrorCode;
      readonly message: string;
      /** The causes, as the log tells them. */
      readonly because: string;
    }
);

/** Threads that fetch, and their end. */
export interface StageThreads {
  readonly fetchStage: FetchStage;
  /** Ends them at once; what they were fetching is let go. */
  close(): Promise<void>;
}

/**
 * How many fetch at once. One thread hashes 1.8 GB/s and reads a file in the meantime; two outrun a local disk and a link of
 * 25 Gbit/s, and leave the caller's thread to those who ask. Each costs 15 MB, with S3 50 MB, until the load has ended.
 */
const THREADS = 2;

/**
 * Starts threads that fetch, place and hash stages, each one stage or more at a time. Buffers change hands, they are not
 * copied. Everything is as on the caller's thread (`createStageFetch`), with the default retry policy.
 */
export function openStageThreads(source: StageSource): StageThreads {
  const connections = Math.ceil(DEFAULT_CONCURRENCY / THREADS);
  const threads = Array.from({ length: THREADS }, () => openThread({ ...source, connections }));
  return {
    fetchStage(stage, spare, progress, signal) {
      const [idlest] = threads.toSorted((left, right) => left.load() - right.load());
      if (idlest === undefined) throw new Error("there is no thread to fetch on");
      return idlest.fetch(stage, spare, progress, signal);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

interface StageThread {
  /** Fetches under way. */
  load(): number;
  readonly fetch: FetchStage;
  close(): Promise<void>;
}

interface Waiter {
  readonly progress: FetchProgress;
  readonly settled: PromiseWithResolvers<Uint8Array<ArrayBuffer>>;
}

function openThread(setup: StageThreadSetup): StageThread {
  const worker = new Worker(new URL("./stage-thread.ts", import.meta.url), { workerData: setup });
  const pending = new Map<number, Waiter>();
  let count = 0;
  const failAll = (error: Error): void => {
    for (const { settled } of pending.values()) settled.reject(error);
    pending.clear();
  };
  worker.on("message", (reply: StageReply) => {
    const waiter = pending.get(reply.id);
    if (waiter === undefined) return; // aborted meanwhile: the bytes are let go
    if (reply.kind === "progress") return tell(waiter.progress, reply.counts, reply.mended);
    pending.delete(reply.id);
    if (reply.kind === "done") waiter.settled.resolve(reply.bytes);
    else waiter.settled.reject(faultOf(reply));
  });
  worker.on("error", (cause) => failAll(new Error("a loading thread broke down", { cause })));
  worker.on("exit", () => failAll(new Error("a loading thread has ended")));
  return {
    load: () => pending.size,
    async fetch(stage, spare, progress, signal) {
      signal.throwIfAborted();
      count += 1;
      const id = count;
      const settled = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
      pending.set(id, { progress, settled });
      const onAbort = (): void => {
        if (!pending.delete(id)) return;
        worker.postMessage({ kind: "abort", id } satisfies StageOrder);
        settled.reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        const order: StageOrder = { kind: "fetch", id, stage, spare };
        worker.postMessage(order, spare === undefined ? [] : [spare.buffer]);
        return await settled.promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async close() {
      await worker.terminate();
    },
  };
}

function tell(progress: FetchProgress, counts: FetchCounts, mended: readonly string[]): void {
  if (counts.received > 0) progress.received(counts.received);
  if (counts.placed > 0) progress.placed(counts.placed);
  if (counts.placed < 0) progress.takenBack(-counts.placed);
  for (let index = 0; index < counts.retried; index++) progress.retried();
  for (let index = 0; index < counts.corrupted; index++) progress.corrupted();
  for (const sentence of mended) progress.mended(sentence);
  for (let index = 0; index < counts.shardsDone; index++) progress.shardDone();
}

/** Errors lose their class on the way between threads. */
function faultOf({ code, message, because }: Extract<StageReply, { kind: "failed" }>): Error {
  const options = because === "" ? {} : { cause: new Error(because) };
  return code === undefined
    ? new Error(message, options)
    : new WeightsError(code, message, options);
}
