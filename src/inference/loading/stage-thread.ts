import { parentPort, workerData } from "node:worker_threads";
import type { FetchProgress } from "#weights/shard-fetch.ts";
import { createStageFetch, type FetchStage } from "#weights/stage-fetch.ts";
import { WeightsError } from "#weights/weights-error.ts";
import { errorChain } from "../log.ts";
import { createSha256 } from "../sha256.ts";
import { openShardCache } from "../shard-cache.ts";
import { openStore } from "../store-config.ts";
import type { FetchCounts, StageOrder, StageReply, StageThreadSetup } from "./stage-threads.ts";

// Entry file of the threads that `stage-threads.ts` starts: stages are fetched and hashed here, and the two talk in messages.

/** Between two words about bytes: as often as anybody looks at the status. */
const TELL_MS = 100;

const setup: StageThreadSetup = workerData;
const opening = open();
opening.catch(() => undefined); // whoever sends the first order is told
const underWay = new Map<number, AbortController>();

parentPort?.on("message", async (order: StageOrder) => {
  if (order.kind === "abort") {
    underWay.get(order.id)?.abort(new Error("the fetch was aborted"));
    return;
  }
  const { id, stage, spare } = order;
  const stop = new AbortController();
  underWay.set(id, stop);
  const progress = batched(id);
  try {
    const bytes = await (await opening)(stage, spare, progress, stop.signal);
    progress.flush();
    reply({ id, kind: "done", bytes }, [bytes.buffer]);
  } catch (error) {
    progress.flush();
    reply({ id, kind: "failed", ...told(error) }, []);
  }
  underWay.delete(id);
});

async function open(): Promise<FetchStage> {
  const { store, cache, connections } = setup;
  return createStageFetch({
    store: await openStore(store),
    ...(cache === undefined ? {} : { cache: await openShardCache(cache) }),
    createHasher: createSha256,
    concurrency: connections,
  });
}

function told(error: unknown): Omit<Extract<StageReply, { kind: "failed" }>, "id" | "kind"> {
  const message = error instanceof Error ? error.message : String(error);
  const because = error instanceof Error ? errorChain(error.cause) : "";
  return error instanceof WeightsError
    ? { code: error.code, message, because }
    : { message, because };
}

/** Gathers what happens to one stage into a message now and then: a word per chunk would cost more than the chunk. */
function batched(id: number): FetchProgress & { flush(): void } {
  const none: FetchCounts = { placed: 0, received: 0, retried: 0, corrupted: 0, shardsDone: 0 };
  let counts = none;
  let mended: string[] = [];
  let toldMs = performance.now();
  const flush = (): void => {
    if (counts === none && mended.length === 0) return;
    reply({ id, kind: "progress", counts, mended }, []);
    counts = none;
    mended = [];
    toldMs = performance.now();
  };
  const add = (name: keyof FetchCounts, count: number): void => {
    counts = { ...counts, [name]: counts[name] + count };
  };
  return {
    flush,
    placed(bytes) {
      add("placed", bytes);
      if (performance.now() - toldMs >= TELL_MS) flush();
    },
    takenBack: (bytes) => add("placed", -bytes),
    received: (bytes) => add("received", bytes),
    retried: () => add("retried", 1),
    corrupted: () => add("corrupted", 1),
    shardDone() {
      add("shardsDone", 1);
      flush();
    },
    mended: (sentence) => {
      mended.push(sentence);
      flush();
    },
  };
}

function reply(message: StageReply, transfer: readonly ArrayBuffer[]): void {
  parentPort?.postMessage(message, [...transfer]);
}
