import { setTimeout as sleep } from "node:timers/promises";

/** Time and chance, passed in so that tests wait for nothing and every try is the same. */
export interface World {
  /** Milliseconds from any fixed moment. */
  now(): number;
  /** Milliseconds since 1970, for dates that others name. */
  date(): number;
  /** Rejects when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A number in 0 … 1, without 1. */
  uniform(): number;
}

export const realWorld: World = {
  now: () => performance.now(),
  date: () => Date.now(),
  sleep: async (ms, signal) => await sleep(ms, undefined, { signal }),
  uniform: () => Math.random(),
};
