import { type Claim, TurnOrder, type Waiting } from "../turn-order.ts";

/** Lets one piece of work run at a time, in the order of `TurnOrder`. */
export type TakeTurn = <Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  asking?: Asking,
) => Promise<Result>;

/** On whose behalf, and whether it can run yet. */
export interface Asking {
  /** Absent: the engine's own work, which has an account of its own. */
  readonly claim?: Claim;
  /** Names the answer, so that it is known when it comes back with its next step. */
  readonly answer?: object;
  /** Whether there is room for it now; asked whenever a turn is to be given. Absent: always. */
  readonly fits?: () => boolean;
}

/**
 * How long a turn waits for an answer that has just had one and would be the first again: between two of its steps it is told,
 * and reads some rows. A step of 8B takes seconds.
 */
const GRACE_MS = 5;

const OWN: Claim = { account: "", remaining: 0 };

interface Waiter extends Waiting {
  readonly asking: Asking;
  readonly begin: () => Promise<void>;
}

/**
 * Creates a queue of its own. Whoever aborts while waiting is rejected at once and never runs; others keep their places. Work that
 * has begun ends before the next begins, also if its caller has left.
 */
export function createTurns(graceMs: number = GRACE_MS): TakeTurn {
  const order = new TurnOrder();
  const waiting: Waiter[] = [];
  let isRunning = false;
  let last: Waiter | undefined; // who may come back
  let grace: NodeJS.Timeout | undefined;

  function forgetLast(): void {
    clearTimeout(grace);
    grace = undefined;
    last = undefined;
  }

  function settle(): void {
    if (isRunning) return;
    const fitting = waiting.filter(({ asking }) => asking.fits?.() ?? true);
    if (fitting.length === 0) return;
    const chosen = order.next(last === undefined ? fitting : [...fitting, last]);
    if (chosen === undefined) return;
    if (chosen === last) {
      grace ??= setTimeout(() => {
        forgetLast();
        settle();
      }, graceMs);
      return;
    }
    forgetLast();
    order.serve(chosen, waiting);
    waiting.splice(waiting.indexOf(chosen), 1);
    isRunning = true;
    chosen.begin().finally(() => {
      isRunning = false;
      if (chosen.asking.answer !== undefined) last = chosen;
      settle();
    });
  }

  return function takeTurn(work, signal, asking = {}) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        const index = waiting.indexOf(waiter);
        if (index >= 0) waiting.splice(index, 1);
        reject(signal.reason);
        settle();
      };
      const waiter: Waiter = {
        ...{ asking, claim: asking.claim ?? OWN, passedOver: 0 },
        async begin() {
          try {
            resolve(await work());
          } catch (error) {
            reject(error);
          } finally {
            signal.removeEventListener("abort", onAbort);
          }
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (last?.asking.answer !== undefined && last.asking.answer === asking.answer) forgetLast();
      waiting.push(waiter);
      settle();
    });
  };
}
