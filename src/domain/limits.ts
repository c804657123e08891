import type { Micros } from "./micros.ts";
import { ok, type Result, refuse } from "./result.ts";

/** How fast answers may be asked for. */
export interface RateLimits {
  readonly requestsPerMinute: number;
  /** Steps asked for, whether they run or not: the true unit of cost. */
  readonly stepsPerMinute: number;
  /** Answers in the making at one time. */
  readonly concurrent: number;
}

/** What one key may do; null is no limit of its own. Days and months are those of UTC. */
export interface KeyLimits extends RateLimits {
  readonly spendPerDayMicros: Micros | null;
  readonly spendPerMonthMicros: Micros | null;
}

/** What everything asked for one subject may take together, besides what its key may; null is no limit of its own. */
export interface SubjectLimits {
  readonly requestsPerMinute: number | null;
  readonly stepsPerMinute: number | null;
  /** Days are those of UTC. */
  readonly spendPerDayMicros: Micros | null;
}

/** So many units per window of time. */
export interface RatePolicy {
  /** As it stands in `RateLimit-Policy`. */
  readonly name:
    | "rpm"
    | "steps"
    | "account-rpm"
    | "account-steps"
    | "subject-rpm"
    | "subject-steps";
  readonly quota: number;
}

/** A window opens with the first use after the last one has ended. */
export interface RateWindow {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly used: number;
}

/** What is left of a policy, for the fields `RateLimit-Policy` and `RateLimit`. */
export interface Allowance extends RatePolicy {
  readonly remaining: number;
  /** Seconds until the window ends, at least 1. */
  readonly resetSeconds: number;
}

export const RATE_WINDOW_SECONDS = 60;

/** Uses `amount` of a policy's window, or refuses and uses nothing. The refusal is what is left. */
export function spendRate(
  window: RateWindow | undefined,
  policy: RatePolicy,
  amount: number,
  now: number,
): Result<{ readonly window: RateWindow; readonly allowance: Allowance }, Allowance> {
  const open = window === undefined || hasEnded(window, now) ? { startedAt: now, used: 0 } : window;
  const left = Math.max(0, policy.quota - open.used);
  const endsInMs = open.startedAt + RATE_WINDOW_SECONDS * 1000 - now;
  const resetSeconds = Math.max(1, Math.ceil(endsInMs / 1000));
  if (amount > left) return refuse({ ...policy, remaining: left, resetSeconds });
  return ok({
    window: { startedAt: open.startedAt, used: open.used + amount },
    allowance: { ...policy, remaining: left - amount, resetSeconds },
  });
}

/** Also a window from the future has ended: a clock was set back, and nobody waits for it to come round again. */
function hasEnded({ startedAt }: RateWindow, now: number): boolean {
  return now < startedAt || now >= startedAt + RATE_WINDOW_SECONDS * 1000;
}
