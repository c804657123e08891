import type { LoadPlan } from "./plan.ts";
import { type Progress, rateMeter } from "./progress.ts";

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

/** Between two reports of status: often enough for a bar, seldom enough to cost nothing. */
const STATUS_INTERVAL_MS = 200;

/** Counts what a load does and reports it. Every method takes what has just happened. */
export interface LoadTally {
  /** Bytes have come into place. */
  placed(bytes: number): void;
  /** Bytes in place turned out wrong. */
  takenBack(bytes: number): void;
  received(bytes: number): void;
  retried(): void;
  corrupted(): void;
  shardDone(): void;
  stageDone(): void;
  status(): LoadStatus;
}

/** Starts to count. `now` returns milliseconds of any monotonic clock. */
export function startTally(
  plan: LoadPlan,
  now: () => number,
  onStatus: ((status: LoadStatus) => void) | undefined,
): LoadTally {
  const meter = rateMeter(plan.storeBytes + plan.diskBytes, now);
  const counts = { placed: 0, stagesDone: 0, receivedBytes: 0, retries: 0, corruptions: 0 };
  let reportedMs = Number.NEGATIVE_INFINITY;
  const status = (): LoadStatus => {
    const { placed, ...rest } = counts;
    return { ...meter(placed), ...rest, stagesTotal: plan.stages.length };
  };
  const report = (): void => {
    reportedMs = now();
    onStatus?.(status());
  };
  return {
    status,
    placed(bytes) {
      counts.placed += bytes;
      if (now() - reportedMs >= STATUS_INTERVAL_MS) report();
    },
    takenBack(bytes) {
      counts.placed -= bytes;
    },
    received(bytes) {
      counts.receivedBytes += bytes;
    },
    retried() {
      counts.retries += 1;
    },
    corrupted() {
      counts.corruptions += 1;
    },
    shardDone: report,
    stageDone() {
      counts.stagesDone += 1;
      report();
    },
  };
}
