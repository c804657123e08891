import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";
import { TurnOrder, type Waiting } from "#engine/turn-order.ts";

/** A place in the queue, and later among those that run. */
export interface Place {
  /** Resolves when it is this request's turn; rejects if the place is left before. */
  readonly turn: Promise<Turn>;
  /** Gives the place up, waiting or running. To be called however the request ends; calling it again does nothing. */
  readonly leave: () => void;
}

export interface Turn {
  /** How long the request stood in the queue. */
  readonly waitedMs: number;
}

/** A bounded queue in front of a few running slots. */
export interface Admission {
  /**
   * Takes a place; those of one account wait in the order of arrival, and accounts take turns. Refuses at once with `overloaded` when the queue is full and with `draining` after `drain`. A caller
   * whose signal is aborted has left his place by that, whether he was waiting or running.
   */
  readonly enter: (signal: AbortSignal, account?: string) => Result<Place, Failure>;
  /** Takes nobody in any more and resolves when the last place is free. Those already waiting still run. */
  readonly drain: () => Promise<void>;
  readonly load: () => { readonly running: number; readonly waiting: number };
  /** How many run at once at most. */
  readonly places: number;
}

/** Weight of the newest run in the moving average behind Retry-After: the last dozen runs count, older ones fade. */
const SMOOTHING = 0.15;

/** What a caller is told to wait before any run has been timed. */
const FIRST_GUESS_MS = 5_000;

/**
 * @param slots runs at once, 1 or more; their passes take turns (`engine/turns.ts`)
 * @param queueLength requests that may wait, 0 or more
 * @param now clock in milliseconds
 */
export function createAdmission(slots: number, queueLength: number, now: () => number): Admission {
  const waiting: Waiter[] = [];
  const order = new TurnOrder();
  let running = 0;
  let meanRunMs = FIRST_GUESS_MS;
  const drained = Promise.withResolvers<void>();
  let isDraining = false;

  function settle(): void {
    const next = running < slots ? order.next(waiting) : undefined;
    if (next !== undefined) {
      order.serve(next, waiting);
      waiting.splice(waiting.indexOf(next), 1);
      next.start();
    }
    if (isDraining && running === 0 && waiting.length === 0) drained.resolve();
  }

  function take(signal: AbortSignal, account: string): Place {
    const enteredMs = now();
    const turn = Promise.withResolvers<Turn>();
    turn.promise.catch(() => undefined); // A place may be left before anyone waits for its turn.
    let startedMs: number | undefined;
    let hasLeft = false;
    const waiter: Waiter = {
      ...{ claim: { account, remaining: 0 }, passedOver: 0 },
      start: () => {
        running++;
        startedMs = now();
        turn.resolve({ waitedMs: startedMs - enteredMs });
      },
    };
    const leave = (): void => {
      if (hasLeft) return;
      hasLeft = true;
      signal.removeEventListener("abort", leave);
      if (startedMs === undefined) {
        waiting.splice(waiting.indexOf(waiter), 1);
        turn.reject(signal.reason ?? new Error("the place was given up"));
      } else {
        running--;
        meanRunMs += SMOOTHING * (now() - startedMs - meanRunMs);
      }
      settle();
    };
    waiting.push(waiter);
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    else settle();
    return { turn: turn.promise, leave };
  }

  return {
    enter: (signal, account = "") => {
      if (isDraining) return refuse({ kind: "draining" });
      if (running >= slots && waiting.length >= queueLength) {
        const aheadMs = (meanRunMs * (waiting.length + 1)) / slots;
        const retryAfterSeconds = Math.max(1, Math.ceil(aheadMs / 1000));
        return refuse({ kind: "overloaded", retryAfterSeconds });
      }
      return ok(take(signal, account));
    },
    drain: () => {
      isDraining = true;
      settle();
      return drained.promise;
    },
    load: () => ({ running, waiting: waiting.length }),
    places: slots,
  };
}

interface Waiter extends Waiting {
  readonly start: () => void;
}
