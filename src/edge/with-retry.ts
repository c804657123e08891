import { logFault } from "./log.ts";

/** How often a call is made, and what becomes of one that never succeeds. */
export interface RetryBudget<Fallback> {
  /** Calls in all, the first included. */
  readonly attempts: number;
  /** Whether calling again would not help, or would harm. Absent: calling again always may help. */
  readonly isFinal?: (cause: unknown) => boolean;
  /** What stands for the value once the budget is spent. Absent: the last cause is thrown. */
  readonly onGivenUp?: (cause: unknown) => Fallback;
}

/**
 * Makes a call that may be repeated until it succeeds or its budget is spent. Between two calls nothing is waited for: a
 * Durable Object that died under a call is there again at once, elsewhere, and a request or an answer waits for the value.
 */
export async function withRetry<Value, Fallback = never>(
  call: () => Promise<Value>,
  { attempts, isFinal, onGivenUp }: RetryBudget<Fallback>,
): Promise<Value | Fallback> {
  for (let made = 1; ; made += 1) {
    try {
      return await call();
    } catch (cause) {
      if (made < attempts && isFinal?.(cause) !== true) continue;
      if (onGivenUp === undefined) throw cause;
      return onGivenUp(cause);
    }
  }
}

/** Of calls that an object's alarm makes again: once, with a line in the log where it failed. Their value is whether they went through. */
export function untilNextAlarm(fault: string, id: string): RetryBudget<false> {
  return {
    attempts: 1,
    onGivenUp: (cause) => {
      logFault(fault, id, cause);
      return false;
    },
  };
}
