import type { Failure } from "#domain/failure.ts";
import { MAX_HOLD_LIFETIME_MS } from "../../ledger/storage/hold-rows.ts";

/** How long an accepted answer waits for a function that is not there: the weights of an 8B model load in minutes. */
export const MAX_ABSENCE_MS: number = 10 * 60_000;

/** How long it waits for a place at functions that are there and full: an hour less than its price can be held. */
export const MAX_QUEUE_MS: number = MAX_HOLD_LIFETIME_MS - 3_600_000;

/** Waits between two looks for a function that does not say when it will be there. */
const PAUSES_MS = [200, 800, 2_000, 5_000] as const;

/** The longest pause between two calls of a function: what it guesses about its weights or its queue may be wrong. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * How long an answer waits for a function before it is given up. An accepted one (202, or a stream that has begun) will be
 * made, so it waits; so does one that a function died under. A caller that waits for the reply of a plain request is refused
 * at once, and may try again.
 */
export class Patience {
  readonly #isAccepted: boolean;
  readonly #createdAt: number;
  readonly #now: () => number;
  /** Since when no function was there. */
  #absentSince: number | undefined;
  #looks = 0;

  constructor(
    terms: { readonly isAccepted: boolean; readonly createdAt: number },
    now: () => number,
  ) {
    this.#isAccepted = terms.isAccepted;
    this.#createdAt = terms.createdAt;
    this.#now = now;
  }

  /** Milliseconds until the next look; null where the refusal is final. `attempt`: the how many-th, from 1. */
  after(failure: Failure, attempt: number): number | null {
    const saysMs = passesAfterMs(failure);
    if (saysMs === null || !(this.#isAccepted || attempt > 1)) return null;
    const now = this.#now();
    const isAbsent = failure.kind !== "overloaded";
    this.#absentSince = isAbsent ? (this.#absentSince ?? now) : undefined;
    const endsAt = isAbsent
      ? (this.#absentSince ?? now) + MAX_ABSENCE_MS
      : this.#createdAt + MAX_QUEUE_MS;
    if (now >= endsAt) return null;
    const pause = PAUSES_MS[this.#looks] ?? LONGEST_PAUSE_MS;
    this.#looks += 1;
    return Math.min(Math.max(pause, saysMs), LONGEST_PAUSE_MS, endsAt - now);
  }

  /** Waits between two looks. */
  async pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    await pause(milliseconds, signal);
  }

  /** A function has taken it: what is missing later is missing anew. */
  taken(): void {
    this.#absentSince = undefined;
    this.#looks = 0;
  }
}

/** After how long a refusal may be another, 0 where it does not say; null where it stays as it is. */
function passesAfterMs(failure: Failure): number | null {
  switch (failure.kind) {
    case "function_unreachable":
    case "function_outdated":
    case "draining":
      return 0;
    case "weights_loading":
      return failure.etaSeconds * 1000;
    case "overloaded":
      return failure.retryAfterSeconds * 1000;
    default:
      return null;
  }
}

/** Resolves after so many milliseconds, or as soon as the signal is aborted. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
  clearTimeout(timer);
}

/** How long after its deadline a function may still tell its own, better, partial answer. */
const DEADLINE_GRACE_MS = 250;

/**
 * Calls back when a deadline and its grace are over, at once where the deadline is: that leaves no function the time to say
 * anything. Times are milliseconds since 1970; null is no deadline. Returns what takes it back.
 */
export function atDeadline(deadlineAt: number | null, now: number, call: () => void): () => void {
  if (deadlineAt === null) return () => undefined;
  const left = deadlineAt - now;
  if (left <= 0) call();
  const timer = setTimeout(call, left + DEADLINE_GRACE_MS);
  return () => clearTimeout(timer);
}
