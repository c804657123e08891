import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";

/** Leave to run. Call `release` once, however the run ends. */
export interface Slot {
  readonly release: () => void;
  /** How long the request stood in the queue. */
  readonly waitedMs: number;
}

/** A bounded queue in front of a few running slots. */
export interface Admission {
  /**
   * Takes a place in the queue, served in order of arrival. Refuses at once with `overloaded` when the queue is full and
   * with `draining` after `drain`. The slot's promise rejects with the signal's reason if the caller leaves while
   * waiting; its place is then free again.
   */
  readonly enter: (signal: AbortSignal) => Result<Promise<Slot>, Failure>;
  /** Takes nobody in any more and resolves when the last run has ended. Those already waiting still run. */
  readonly drain: () => Promise<void>;
  readonly load: () => { readonly running: number; readonly waiting: number };
}

/** Weight of the newest run in the moving average behind Retry-After: the last dozen runs count, older ones fade. */
const SMOOTHING = 0.15;

/** What a caller is told to wait before any run has been timed. */
const FIRST_GUESS_MS = 5_000;

interface Waiter {
  readonly admit: () => void;
}

/**
 * @param slots runs at once, 1 or more: an engine that computes one pass at a time gains nothing from a second slot
 * @param queueLength requests that may wait, 0 or more
 * @param now clock in milliseconds
 */
export function createAdmission(slots: number, queueLength: number, now: () => number): Admission {
  const waiting: Waiter[] = [];
  let running = 0;
  let meanRunMs = FIRST_GUESS_MS;
  let finishDraining: (() => void) | undefined;
  let isDraining = false;

  function start(enteredMs: number): Slot {
    running++;
    const startedMs = now();
    let isReleased = false;
    return {
      waitedMs: startedMs - enteredMs,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        running--;
        meanRunMs += SMOOTHING * (now() - startedMs - meanRunMs);
        waiting.shift()?.admit();
        if (running === 0 && waiting.length === 0) finishDraining?.();
      },
    };
  }

  return {
    enter: (signal) => {
      if (isDraining) return refuse({ kind: "draining" });
      if (signal.aborted) return ok(Promise.reject(signal.reason));
      const enteredMs = now();
      if (running < slots && waiting.length === 0) return ok(Promise.resolve(start(enteredMs)));
      if (waiting.length >= queueLength) {
        const aheadMs = (meanRunMs * (waiting.length + 1)) / slots;
        const retryAfterSeconds = Math.max(1, Math.ceil(aheadMs / 1000));
        return refuse({ kind: "overloaded", retryAfterSeconds });
      }
      return ok(queue(waiting, signal, () => start(enteredMs)));
    },
    drain: () => {
      isDraining = true;
      if (running === 0 && waiting.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        finishDraining = resolve;
      });
    },
    load: () => ({ running, waiting: waiting.length }),
  };
}

function queue(waiting: Waiter[], signal: AbortSignal, start: () => Slot): Promise<Slot> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      waiting.splice(waiting.indexOf(waiter), 1);
      reject(signal.reason);
    };
    const waiter: Waiter = {
      admit: () => {
        signal.removeEventListener("abort", leave);
        resolve(start());
      },
    };
    signal.addEventListener("abort", leave, { once: true });
    waiting.push(waiter);
  });
}
