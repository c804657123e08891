import { isRetryable, type WeightsError } from "./weights-error.ts";

/** How much trouble a transfer takes before it gives up. Time and chance are passed in so that tests can be both. */
export interface RetryPolicy {
  /** Without a single new byte for this long, across all tries, the transfer fails with its last error. */
  readonly budgetMs: number;
  /** The budget where nobody has ever replied, which is more often a wrong address than a pause. Absent: the same. */
  readonly unreachedMs?: number;
  /** A connection that has been silent for this long is given up and counts as one failure. */
  readonly stallMs: number;
  /** Longest wait before the second try; it doubles with each failure in a row. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Failures of one transfer in all: a server that gives one byte a try would otherwise be asked for ever. */
  readonly maxFailures: number;
  /** Waits that the server asked for, all together. They are not its silence, so the budget does not count them. */
  readonly maxAskedWaitMs: number;
  readonly random: () => number;
  readonly now: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * Two minutes outlast a store's restart and S3's own SlowDown phases; 30 s of silence is far beyond any pause of a healthy
 * connection (1 s, a fixed time-out elsewhere, was not). Model hubs count requests over five minutes and say how much of them
 * is left: three such windows are waited for.
 */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  budgetMs: 120_000,
  stallMs: 30_000,
  firstDelayMs: 200,
  maxDelayMs: 10_000,
  maxFailures: 64,
  maxAskedWaitMs: 900_000,
  random: () => Math.random(),
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop);
        resolve();
      }, milliseconds);
      if (signal?.aborted) stop();
      else signal?.addEventListener("abort", stop, { once: true });
    }),
};

/** For the first request of a conversion to a place: whoever typed its address wrong is told in seconds. */
export function firstContact(policy: RetryPolicy): RetryPolicy {
  return { ...policy, unreachedMs: 3000 };
}

/** What a series of tries needs from outside. */
export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal;
  /** A try failed and another one follows. */
  readonly onRetry?: (error: WeightsError, waitMs: number) => void;
}

/** One series of tries: what they have cost so far, and whether there is another. */
export interface Patience {
  /** Something new arrived: the budget begins again. */
  progressed(): void;
  readonly failures: number;
  /**
   * Waits until the next try: as long as the server asked for, or a random while that grows. Throws the error where it
   * cannot be mended by trying again, and `givenUp` of it where the policy allows no more tries. An abort rejects with its reason.
   */
  next(error: unknown, givenUp: (error: WeightsError) => WeightsError): Promise<void>;
}

/** Starts counting: now. */
export function patience({ policy, signal, onRetry }: RetryOptions): Patience {
  let failures = 0;
  let fruitless = 0;
  let askedMs = 0;
  let lastProgressMs = policy.now();
  return {
    get failures() {
      return failures;
    },
    progressed() {
      fruitless = 0;
      lastProgressMs = policy.now();
    },
    async next(error, givenUp) {
      signal?.throwIfAborted();
      if (!isRetryable(error)) throw error;
      failures += 1;
      fruitless += 1;
      const asked = error.retryAfterMs ?? 0;
      askedMs += asked;
      lastProgressMs += asked;
      const waitMs = Math.max(asked, backoff(policy, fruitless));
      const { budgetMs, unreachedMs = budgetMs } = policy;
      const isSpent =
        failures > policy.maxFailures ||
        askedMs > policy.maxAskedWaitMs ||
        policy.now() + waitMs - lastProgressMs > (error.isUnreached ? unreachedMs : budgetMs);
      if (isSpent) throw givenUp(error);
      onRetry?.(error, waitMs);
      await policy.sleep(waitMs, signal);
    },
  };
}

/** Tries until it succeeds; what ends the tries is thrown as it came. */
export async function withRetries<Value>(
  options: RetryOptions,
  attempt: () => Promise<Value>,
): Promise<Value> {
  const tries = patience(options);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await tries.next(error, (last) => last);
    }
  }
}

/**
 * Reads a `Retry-After` header, in milliseconds: whole seconds, or a time by the clock of the server, which its `Date` shows.
 * Undefined where there is none that can be understood. Source: RFC 9110, 10.2.3.
 */
export function retryAfterOf(
  header: string | null | undefined,
  date: string | null | undefined,
): number | undefined {
  const text = header?.trim() ?? "";
  const waitMs = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(date ?? "");
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}

/**
 * Reads when a hub counts anew, in milliseconds, from `RateLimit: "resolvers";r=0;t=55`. Undefined where it says nothing of the kind.
 * Source: Hugging Face's documentation on rate limits, after draft-ietf-httpapi-ratelimit-headers.
 */
export function rateLimitReset(header: string | null | undefined): number | undefined {
  const seconds = /;\s*t=(\d{1,6})(?:\s*[;,]|\s*$)/.exec(header ?? "")?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** Full jitter: many functions that start at once spread out. Source: AWS, Exponential Backoff And Jitter. */
function backoff(policy: RetryPolicy, failuresInARow: number): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (failuresInARow - 1));
  return policy.random() * ceiling;
}
