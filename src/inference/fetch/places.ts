import type { Failure } from "#domain/failure.ts";
import { ok, type Result, refuse } from "#domain/result.ts";

/** Places for those who reach other hosts, shared between accounts: a host that hangs keeps its own account's alone. */
export interface Places {
  /**
   * Takes a place, or waits for one; resolves with what gives it back. Refuses with `overloaded` where nobody may wait any
   * more, or the signal is aborted first, and with `draining` after `drain`.
   */
  readonly enter: (accountId: string, signal: AbortSignal) => Promise<Result<() => void, Failure>>;
  /** Takes nobody in any more, sends away who waits, and resolves when the last place is free. */
  readonly drain: () => Promise<void>;
  readonly load: () => { readonly running: number; readonly waiting: number };
}

export interface PlacesLimits {
  readonly places: number;
  /** How many may wait when no place is theirs. */
  readonly waiting: number;
}

interface Waiter {
  readonly accountId: string;
  readonly settle: (entered: Result<() => void, Failure>) => void;
}

/**
 * The rule of sharing, for places and for the queue: an account may hold as many as it leaves free. Alone it has half of
 * them; whoever comes next always finds one, and half of what is left.
 */
function mayTake(held: number, free: number): boolean {
  return held < free;
}

/** Makes places, all of them free. */
export function createPlaces({ places, waiting: queueLength }: PlacesLimits): Places {
  const held = new Map<string, number>();
  let running = 0;
  let queue: Waiter[] = [];
  let isDraining = false;
  const drained = Promise.withResolvers<void>();
  const heldBy = (accountId: string): number => held.get(accountId) ?? 0;

  function take(accountId: string): () => void {
    running += 1;
    held.set(accountId, heldBy(accountId) + 1);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      running -= 1;
      const left = heldBy(accountId) - 1;
      if (left > 0) held.set(accountId, left);
      else held.delete(accountId);
      if (isDraining && running === 0) drained.resolve();
      admit();
    };
  }

  /** Gives free places to those who wait: first to whose account holds the fewest, then to who came first. */
  function admit(): void {
    for (;;) {
      const free = places - running;
      const [next] = queue
        .filter(({ accountId }) => mayTake(heldBy(accountId), free))
        .sort((a, b) => heldBy(a.accountId) - heldBy(b.accountId));
      if (next === undefined) return;
      queue = queue.filter((waiter) => waiter !== next);
      next.settle(ok(take(next.accountId)));
    }
  }

  async function wait(
    accountId: string,
    signal: AbortSignal,
  ): Promise<Result<() => void, Failure>> {
    const { promise, resolve: settle } = Promise.withResolvers<Result<() => void, Failure>>();
    const waiter: Waiter = { accountId, settle };
    const giveUp = (): void => {
      queue = queue.filter((other) => other !== waiter);
      settle(refuse(overloaded));
    };
    queue.push(waiter);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  return {
    enter: async (accountId, signal) => {
      if (isDraining) return refuse({ kind: "draining" });
      const waits = queue.filter((waiter) => waiter.accountId === accountId).length;
      if (waits === 0 && mayTake(heldBy(accountId), places - running)) return ok(take(accountId));
      if (!mayTake(waits, queueLength - queue.length)) return refuse(overloaded);
      return await wait(accountId, signal);
    },
    drain: () => {
      isDraining = true;
      for (const { settle } of queue.splice(0)) settle(refuse({ kind: "draining" }));
      if (running === 0) drained.resolve();
      return drained.promise;
    },
    load: () => ({ running, waiting: queue.length }),
  };
}

const overloaded: Failure = { kind: "overloaded", retryAfterSeconds: 1 };
